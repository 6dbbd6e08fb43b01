"""A thousand files, sound, slightly broken and very broken: each record is annotated, or listed with its line."""

import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysam
import pytest

from annotator.errors import InputError
from annotator.reference.pack import Reference, load_pack
from tests.support.generated_runs import Annotate, Annotated, recipe_of
from tests.support.genome import Genome
from tests.support.vcfs import Made, generate

FILES, BATCH, THREADS = 1000, 100, 4
_LISTED = re.compile(r" {4}lines? (\d+)(?:-(\d+))?(?: \((\d+) records\))?: (.+)").fullmatch


@pytest.mark.parametrize("first", range(0, FILES, BATCH))
def test_every_record_is_annotated_or_listed_with_its_line(
    run: Annotate, reference: Reference, genome: Genome, hot: dict[str, list[int]], first: int
) -> None:
    own = threading.local()

    def ready() -> None:
        own.reference = load_pack(reference.fasta.parent)  # a pack is one thread's at a time

    def one(seed: int) -> None:
        made = generate(seed, genome.sequences, recipe_of(seed, hot))
        try:
            result = run(made.content, reference=own.reference)
        except InputError as error:
            check_refusal(made, error, f"seed {seed}")
        else:
            check(made, result, f"seed {seed}")
            shutil.rmtree(result.folder)

    # A run waits for bcftools for much of its time.
    with ThreadPoolExecutor(THREADS, initializer=ready) as pool:
        list(pool.map(one, range(first, first + BATCH)))


def check_refusal(made: Made, error: InputError, which: str) -> None:
    assert error.code == made.refusal, f"{which}: {error.message}"
    if made.fatal_line:
        assert error.line == made.fatal_line, which
        assert f"Line {made.fatal_line}" in error.message, which


def check(made: Made, result: Annotated, which: str) -> None:
    report, listed = result.report, made.listed
    assert not made.refusal, which
    assert report.records_in == len(made.records), which
    assert report.records_out == len(result.records) == made.sound.total(), which
    assert report.skipped == len(listed), which
    assert Counter(record[2] for record in result.records) == made.sound, which
    # What is listed is what was made so that it cannot be annotated: lines and reasons.
    assert Counter(report.summary["skipped_reasons"]) == Counter(listed.values()), which
    assert sorted(line for line, _ in told(result)) == sorted(listed), which
    for line, reason in told(result):
        row = made.rows[line - len(made.header) - 1]
        assert_about(reason, row.fault, row.text)
    assert [one["line"] for one in report.summary["skipped_examples"]] == sorted(listed)[:20], which
    readable(result, which)


def told(result: Annotated) -> Iterator[tuple[int, str]]:
    """The lines that the log lists as skipped, one by one, and why."""
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    part = log.partition("\nSkipped records\n")[2].partition("\nResults\n")[0]
    for line in part.splitlines():
        if found := _LISTED(line):
            first, last, count, reason = found.groups()
            span = range(int(first), int(last or first) + 1)
            assert len(span) == int(count or 1)
            yield from ((number, reason) for number in span)


def assert_about(reason: str, fault: str, text: str) -> None:
    """The reason names the column that is at fault, and what the record has there."""
    column = {
        "unknown-contig": "contig ",
        "position-zero": "POS 0",
        "position-past-end": "past the end",
        "reference-mismatch": "REF at ",
        "bad-ref": "REF ",
        "ambiguous-bases": "ambiguity code",
        "bad-alt": "ALT ",
        "bad-filter": "FILTER ",
        "bad-info": "INFO ",
        "too-many-values": "FORMAT names",
        "bad-format": "FORMAT ",
        "bad-sample-value": "GT of sample",
    }[fault]
    assert column in reason, (reason, text)


def readable(result: Annotated, which: str) -> None:
    """bcftools reads all of it, and through its index as many records of each contig as there are."""
    path = str(result.vcf)
    with pysam.VariantFile(path) as file:
        assert [record.id for record in file] == [record[2] for record in result.records], which
    by_contig = Counter(record[0] for record in result.records)
    assert Path(f"{path}.tbi").exists()
    with pysam.TabixFile(path) as file:
        assert set(file.contigs) == set(by_contig), which
        for contig, count in by_contig.items():
            assert sum(1 for _ in file.fetch(contig)) == count, which
        for record in result.records[:2]:
            rows = file.fetch(record[0], int(record[1]) - 1, int(record[1]))
            assert record[2] in {row.split("\t")[2] for row in rows}, which
