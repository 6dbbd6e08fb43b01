"""Effects on real gene models, next to what `bcftools csq` says of them.

Every difference in the most severe term of a transcript belongs to a class of `tests.support.csq_differences`, which
says who is right and why.
"""

from collections import Counter

import pytest

from tests.support.csq_differences import CLASSES, Pair, class_of
from tests.support.csq_sets import SETS, read


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("csq")
    return [pair for name in SETS for pair in read(name, folder)]


def test_every_difference_from_csq_is_explained(pairs: list[Pair]) -> None:
    different = [pair for pair in pairs if pair.differs]
    unexplained = [pair for pair in different if not class_of(pair)]

    assert len(pairs) > 70_000
    assert not unexplained, [(one.allele, one.transcript.name, one.ours, one.theirs) for one in unexplained[:20]]


def test_every_class_of_differences_is_met(pairs: list[Pair]) -> None:
    met = Counter(class_of(pair) for pair in pairs if pair.differs)

    assert set(met) == {one.__name__ for one in CLASSES}
