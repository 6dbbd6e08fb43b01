"""Records in columns come out as they do one by one, to the byte."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from annotator.blocks import cutting, plain
from annotator.errors import InputError
from annotator.sources.manifest import Source
from annotator.stream import Piece
from tests.annotator.generated.conftest import Annotate
from tests.annotator.generated.test_counts import recipe_of
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate

SEEDS = range(60)


def outcome(run: Annotate, content: bytes, sources: list[Source]) -> tuple[list[bytes] | str, object, str]:
    """The file, the summary and the log; or the refusal."""
    try:
        result = run(content, sources=sources)
    except InputError as error:
        return error.message, error.line, error.advice
    text = gzip.decompress(result.vcf.read_bytes()).splitlines()
    return text, json.loads((result.folder / "summary.json").read_text()), (result.folder / "log.txt").read_text()


@pytest.fixture
def small_blocks() -> Iterator[pytest.MonkeyPatch]:
    """From the first record on, and cut short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "HEAD", 0)
        patch.setattr(cutting, "PREVIEW", 0)
        patch.setattr(cutting, "SIZE", 3000)
        patch.setattr(plain, "LEAST", 0)
        yield patch


@pytest.mark.parametrize("seed", SEEDS)
def test_to_the_byte(
    run: Annotate,
    genome: Genome,
    hot: dict[str, list[int]],
    sources: list[Source],
    small_blocks: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Sound, broken, unsorted files, of all kinds; half of them with sources."""
    recipe = replace(recipe_of(seed, hot), records=200, order="shuffled" if seed % 20 == 0 else "sorted")
    made = generate(seed, genome.sequences, recipe)
    used = sources if seed % 2 else []
    in_blocks = outcome(run, made.content, used)
    small_blocks.undo()
    one_by_one = outcome(run, made.content, used)
    for found, expected in zip(in_blocks, one_by_one, strict=True):
        assert found == expected


def test_most_of_a_sound_file_is_in_columns(
    run: Annotate, genome: Genome, plain: Recipe, small_blocks: pytest.MonkeyPatch
) -> None:
    """Without this, the test above would compare little."""
    alone: list[int] = []
    singly = cutting.Cutter.singly

    def counted(self: cutting.Cutter, first: int, lines: list[str]) -> Iterator[Piece]:
        alone.append(len(lines))
        return singly(self, first, lines)

    small_blocks.setattr(cutting.Cutter, "singly", counted)
    made = generate(1, genome.sequences, replace(plain, records=1000, structural=0))
    records = run(made.content).records
    assert len(records) >= 1000
    assert sum(alone) < 0.1 * len(records)
