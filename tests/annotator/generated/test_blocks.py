"""Records in columns come out as they do one by one, to the byte."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from annotator.effects.normalize import normal
from annotator.errors import InputError
from annotator.preflight import reader
from annotator.preflight.record import Record
from annotator.run import splitter
from annotator.run.columnar import kinds, neighbors
from annotator.run.columnar import plain as blocks_plain
from annotator.run.columnar.compiled import Bytes, Ints
from annotator.run.columnar.scan import Lines
from annotator.run.piece import Piece
from annotator.sources.manifest import Source
from tests.support.generated_runs import Annotate, recipe_of
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate

#: Of the last ones, files whose records have neighbours.
PLAIN_SEEDS = 60
SEEDS = range(PLAIN_SEEDS + 40)


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
        patch.setattr(splitter, "HEAD", 0)
        patch.setattr(splitter, "PREVIEW", 0)
        patch.setattr(splitter, "SIZE", 3000)
        patch.setattr(reader, "CHUNK", 3000)  # else a small file is one block
        patch.setattr(blocks_plain, "LEAST", 0)
        patch.setattr(blocks_plain, "GAP", 300)  # some stretches of a contig have many alleles, and others few
        for module in (blocks_plain, kinds):
            patch.setattr(module, "WORTH_A_KIND", 3)
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
    if seed >= PLAIN_SEEDS:
        recipe = replace(recipe, neighbours=0.5, samples=1 + seed % 3)
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
    singly = splitter.Cutter.singly

    def counted(self: splitter.Cutter, first: int, lines: list[str], *checked: list[Record | None]) -> Iterator[Piece]:
        alone.append(len(lines))
        return singly(self, first, lines, *checked)

    small_blocks.setattr(splitter.Cutter, "singly", counted)
    made = generate(1, genome.sequences, replace(plain, records=1000, structural=0))
    records = run(made.content).records
    assert len(records) >= 1000
    assert sum(alone) < 0.1 * len(records)


def with_faults(genome: Genome, plain: Recipe, late: str) -> bytes:
    """Sound records with one sample, of which a late one has other last columns."""
    made = generate(3, genome.sequences, replace(plain, records=300, samples=0, structural=0))
    lines = made.content.decode().splitlines()
    header = [line for line in lines if line.startswith("##")]
    header += [
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone",
    ]
    records = ["\t".join([*line.split("\t")[:8], "GT:DP", "0/1:7"]) for line in lines if not line.startswith("#")]
    records[250] = "\t".join([*records[250].split("\t")[:8], *late.split(" ")])
    return "\n".join([*header, *records, ""]).encode()


@pytest.mark.parametrize(
    "late",
    [
        "GT:DP 0/1:x",
        "GT:DP 0/1:7.5",
        "GT:DP 0/1:",
        "GT:DP ",
        "GT:DP 0/9:7",
        "GT:DP a:7",
        "GT:NEW 0/1:5",
        "GT:DP 0/1:7:7",
    ],
)
def test_what_bcftools_cannot_read_is_found_in_columns_too(
    run: Annotate, genome: Genome, plain: Recipe, small_blocks: pytest.MonkeyPatch, late: str
) -> None:
    content = with_faults(genome, plain, late)
    in_blocks = outcome(run, content, [])
    small_blocks.undo()
    assert in_blocks == outcome(run, content, [])
    (summary,) = (one for one in in_blocks if isinstance(one, dict))
    refused = {"GT:DP a:7": "bad-sample-value", "GT:DP 0/1:7:7": "too-many-values"}
    assert list(summary["skipped_reasons"]) == ([refused[late]] if late in refused else [])


def test_neighbours_are_told_together_in_columns_too(
    run: Annotate, genome: Genome, plain: Recipe, small_blocks: pytest.MonkeyPatch
) -> None:
    """Neighbours are combined in columns, and lines without neighbours stay plain.

    Without this test, both paths might agree in combining nothing.
    """
    looked_at: list[int] = []
    found = neighbors.with_neighbors

    def counted(text: Bytes, lines: Lines, *others: Any) -> Ints:
        marked = found(text, lines, *others)
        looked_at.append(len(marked))
        return marked

    small_blocks.setattr(blocks_plain, "with_neighbors", counted)
    small_blocks.setattr(splitter, "SIZE", 20_000)
    made = generate(3, genome.sequences, replace(plain, records=1000, structural=0, neighbours=0.3))
    result = run(made.content)
    assert result.report.summary["phased_combinations"] > 50
    assert sum("GAS_PHASED=" in record[7] for record in result.records) > 100
    assert 200 < sum(looked_at) < 0.5 * len(result.records)


def test_an_indel_may_lie_in_front_of_the_first_record_of_its_contig(
    run: Annotate, genome: Genome, small_blocks: pytest.MonkeyPatch
) -> None:
    """As the normal form of one that is written further right does, where the first record is a piece of its own."""
    bases = genome.sequences["2"]
    # Where csq is asked about each allele, near a gene.
    run_of = re.compile(r"(.)(?!\1)(.)\2{3,}").search(bases, 8000)
    assert run_of is not None
    first, last = run_of.start() + 1, run_of.end()  # the base in front of the run, and the run's last
    assert normal("2", last - 1, bases[last - 2 : last], bases[last - 2], lambda _, one, end: bases[one - 1 : end]) == (
        first,
        bases[first - 1 : first + 1],
        bases[first - 1],
    )
    rows = [
        f"1\t100\t.\t{genome.sequences['1'][99]}\t{genome.sequences['1'][99]}A\t.\t.\t.",
        f"2\t{last - 2}\t.\t{bases[last - 3]}\t{bases[last - 3]}TTG\t.\t.\t.",
        f"2\t{last - 1}\t.\t{bases[last - 2 : last]}\t{bases[last - 2]}\t.\t.\t.",
        *(f"2\t{pos}\t.\t{bases[pos - 1]}\t{bases[pos - 1]}GA\t.\t.\t." for pos in range(last, last + 400)),
    ]
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    assert len(run((header + "\n".join(rows) + "\n").encode()).records) == len(rows)
