"""What the alleles of a block do, each kind once: those that lie in one stretch, and of which csq says the same."""

import weakref
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from annotator import tags
from annotator.alleles import Change
from annotator.blocks.alleles import Alleles
from annotator.blocks.asking import Asked
from annotator.blocks.compiled import Bytes, Flags, Ints, packed
from annotator.blocks.places import Places
from annotator.compose import Composer, Found, respelled
from annotator.sources.matching import Variant
from annotator.transcripts import Model

REMEMBERED = 8192
#: What is written of a kind, in this order.
BCSQ, GENE, TERM, PROTEIN, FLAG = range(5)


class Kind(NamedTuple):
    """texts: as INFO has them, empty for none."""

    found: Found
    texts: tuple[bytes, bytes, bytes, bytes, bytes]


class Texts(NamedTuple):
    """letters: the texts of all kinds; begins: where each begins, five a kind, and behind them the end."""

    letters: Bytes
    begins: Ints


class Kinds:
    """Tells the kinds of alleles of one contig. One thread only."""

    def __init__(self, composer: Composer, contig: str, places: Places) -> None:
        self._composer = composer
        self._contig = contig
        self._places = places
        self._taught: dict[int, str] = {}  # csq's answer for all that is shared in a stretch
        # What is remembered must not keep this object: else both would stay until Python looks for garbage in cycles.
        own = weakref.proxy(self)
        self._of = lru_cache(maxsize=REMEMBERED)(partial(Kinds._in_stretch, own))
        self._models = lru_cache(maxsize=REMEMBERED)(partial(Kinds._models_of, own))

    def of(
        self, alleles: Alleles, asked: Asked, answers: Sequence[str], moved: Flags, written: Callable[[int], Variant]
    ) -> tuple[list[Kind], Ints]:
        """The kinds, and the number of each allele's. answers: csq's, by question; moved: which alleles the file spells
        otherwise than in normal form; written: an allele as the file has it.
        """
        for stretch, question in zip(*(part.tolist() for part in asked.teaching), strict=True):
            self._taught[stretch] = answers[question]
        numbers = np.empty(len(alleles.pos), np.int64)
        common = (asked.question < 0) & (asked.stretch >= 0)
        # What is shared in a stretch, and what csq is not asked about there, are two kinds.
        keys, numbers[common] = _ranked(2 * asked.stretch[common] + asked.shared[common])
        kinds = [self._of(key // 2, self._taught[key // 2] if key % 2 else "") for key in keys.tolist()]
        own: dict[tuple[int, str, str], int] = {}
        rest = np.flatnonzero(~common)
        for one, stretch, question, spelled_so in zip(
            rest.tolist(),
            asked.stretch[rest].tolist(),
            asked.question[rest].tolist(),
            moved[rest].tolist(),
            strict=True,
        ):
            bcsq = answers[question] if question >= 0 else ""
            spelled = respelled(bcsq, written(one)) if spelled_so and ">" in bcsq else bcsq
            key = stretch, bcsq, spelled
            number = own.get(key) if stretch >= 0 else None
            if number is None:
                number = own[key] = len(kinds)
                kinds.append(
                    self._of(stretch, bcsq, spelled) if stretch >= 0 else self._kind(alleles.change(one), bcsq, spelled)
                )
            numbers[one] = number
        return kinds, numbers

    def _in_stretch(self, stretch: int, bcsq: str, spelled: str | None = None) -> Kind:
        change, models = self._models(stretch)
        return self._kind(change, bcsq, bcsq if spelled is None else spelled, models)

    def _models_of(self, stretch: int) -> tuple[Change, Sequence[Model]]:
        """A change that stands for all that lie in a stretch, and the transcripts that these touch."""
        change = Change(int(self._places.starts[stretch]), "N", "N")
        return change, self._composer.models(self._contig, change)

    def _kind(self, change: Change, bcsq: str, spelled: str, models: Sequence[Model] | None = None) -> Kind:
        found = self._composer.found(self._contig, change, bcsq, models)
        genes, term, proteins, model = found
        gene = _written(genes[0] if len(genes) == 1 else found.gene)
        protein = tags.escape(found.protein).encode("latin-1") if proteins else b""
        flag = _written(model.flag) if model else b""
        return Kind(found, (spelled.encode("ascii"), gene, _written(term), protein, flag))


@lru_cache(maxsize=1024)
def _written(value: str) -> bytes:
    return tags.escape(value).encode("latin-1")


def _ranked(keys: Ints) -> tuple[Ints, Ints]:
    """The keys, each once and in order, and the place of each among these; they lie close together."""
    if not len(keys):
        return keys, keys
    least = keys.min()
    there = np.zeros(keys.max() - least + 1, np.bool_)
    there[keys - least] = True
    return np.flatnonzero(there) + least, (np.cumsum(there) - 1)[keys - least]


def texts(kinds: Sequence[Kind]) -> Texts:
    """What is written of each."""
    return Texts(*packed([text for kind in kinds for text in kind.texts]))
