"""Whatever bytes are uploaded, they end as a result or as an InputError that reads well; nothing else is raised.

A few examples of each kind are tried, always the same ones. With FUZZ_SECONDS=600 (`make fuzz`) others are tried, for
this number of seconds, which the kinds share.
"""

import gzip
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from annotator.effects.structural_alleles import StructuralAllele, parse
from annotator.errors import InputError
from annotator.formats.bcftools import Tool
from annotator.preflight import reader
from annotator.preflight.header import read_header
from annotator.preflight.journal import Journal
from annotator.preflight.reader import lines_of
from annotator.preflight.record import Record
from annotator.preflight.records import RecordCheck
from annotator.reference.pack import Reference
from annotator.run import splitter
from annotator.run.columnar import kinds
from annotator.run.columnar import plain as blocks_plain
from annotator.run.options import Limits
from tests.support.fuzz import CHANGES, DAMAGES, PACKINGS, TOKENS, Change, Damage, bgzipped, changed, damaged, files
from tests.support.generated_runs import Annotate
from tests.support.genome import Genome
from tests.support.vcffaults import COLUMNS
from tests.support.vcfs import DECLARED, Recipe, generate

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
KINDS = 5  # tests below, which share the seconds
ROUND = 50  # examples that are tried between two looks at the clock
SOUND = ["1", "100", ".", "N", "<DEL>", "50", "PASS", "DP=3;END=200", "GT:DP:PS", "0|1:3:7"]
DECLARED_LINES = "".join(f"{line}\n" for line in DECLARED)
END_AS_TEXT = '##INFO=<ID=END,Number=1,Type=String,Description="Last base">\n'
LIMITS = Limits(seconds=300, expanded_bytes=64 * 1024**2)


def explore(check: Callable[..., None], usual: int, **arguments: st.SearchStrategy[object]) -> None:
    """Try a number of examples, or as many as there is time for."""
    begin = time.monotonic()
    start = random.SystemRandom().randrange(10**9) if SECONDS else 0
    rounds = tried = 0
    while not rounds or time.monotonic() - begin < SECONDS / KINDS:
        chosen = settings(
            max_examples=ROUND if SECONDS else usual,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        seed(start + rounds)(chosen(given(**arguments)(check)))()
        rounds += 1
        tried += ROUND if SECONDS else usual
    if SECONDS:
        sys.stderr.write(f"\n{check.__qualname__.partition('.')[0]}: {tried:,} examples from seed {start}\n")


def outcome(call: Callable[[], object]) -> object:
    """What came out; of a refusal, its sentences, which must read well."""
    try:
        return call()
    except InputError as error:
        for sentence in (error.message, error.advice):
            assert sentence.endswith(".")
            assert "\n" not in sentence
            assert sentence.isprintable()
            assert len(sentence) < 600
        return error.code, error.message, error.line


def structures_of(record: Record, reference: Reference) -> list[StructuralAllele | None]:
    """Read the intervals of a record's alleles."""
    return [
        parse(record.contig, record.pos, record.ref, alt, number, record.info, reference.canonical)
        for number, alt in enumerate(record.alts)
    ]


@pytest.fixture
def checked(reference: Reference, tmp_path: Path) -> Callable[[bytes, bool], object]:
    """The checks of header and records alone, which are quick."""

    def check_all(content: bytes, strict: bool) -> object:
        journal = Journal(tmp_path)
        try:
            lines = enumerate(lines_of(content), 1)
            header = read_header(lines, journal)
            check = RecordCheck(header, reference, journal, strict)
            structures = [structures_of(record, reference) for record in check.check_all(lines)]
            assert check.records == len(structures) + journal.skipped
            return structures, check.declared(), journal.repairs(), list(journal.skipped_lines())
        finally:
            journal.close()

    return lambda content, strict: outcome(lambda: check_all(content, strict))


#: A file with a gap. The last record is like the first ones, so that one bad value does not refuse the whole.
GAPS = [
    "##fileformat={}", "##fileformat=VCFv{}", "##fileformat=VCFv4.{}", "##contig=<ID=1,length={}>",
    "##contig=<ID={},length=5>", "##INFO=<ID=X,Number={},Type=Integer,Description=x>",
    "##INFO=<ID={},Number=1,Type=Integer,Description=x>", '##INFO=<ID=X,Number=1,Type=Integer,Description="{}">',
    "##INFO=X,{},Integer,x", "##FILTER=<ID={}>", "##{}",
    *["\t".join([*SOUND[:place], "{}", *SOUND[place + 1 :]]) for place in range(len(SOUND))],
    *["\t".join([*SOUND[:7], f"{tag}={{}}", *SOUND[8:]]) for tag in ("DP", "AF", "END", "SVTYPE", "NEW")],
    *["\t".join([*SOUND[:8], "GT:DP:PS", sample]) for sample in ("{}:1:1", "0|1:{}:1", "0|1:1:{}", "{}|1:1:1")],
]  # fmt: skip


@pytest.mark.parametrize("gap", GAPS)
def test_each_text_in_each_place(checked: Callable[[bytes, bool], object], gap: str) -> None:
    sound = "\t".join(SOUND)
    for text in TOKENS:
        line = gap.replace("{}", text)
        above, below = (line + "\n", "") if line.startswith("##") else ("", line + "\n")
        version = "" if gap.startswith("##fileformat") else "##fileformat=VCFv4.2\n"
        after = END_AS_TEXT if "END={}" in gap else ""  # else only short numbers get past the check of its type
        header = f"{version}{above}{DECLARED_LINES}{after}{COLUMNS}\tFORMAT\tone\n"
        content = f"{header}{sound}\n{below}{sound}\n".encode("latin-1")
        for strict in (False, True):
            checked(content, strict)


def test_headers_and_records(checked: Callable[[bytes, bool], object], genome: Genome) -> None:
    def check(content: bytes, strict: bool) -> None:
        checked(content, strict)

    explore(check, 200, content=files(genome.sequences), strict=st.booleans())


def test_records_one_by_one(run: Annotate, genome: Genome) -> None:
    def check(content: bytes, packing: str) -> None:
        outcome(lambda: run(PACKINGS[packing](content), limits=LIMITS))

    explore(check, 30, content=files(genome.sequences), packing=st.sampled_from(sorted(PACKINGS)))


@pytest.fixture
def small_blocks() -> Iterator[Callable[[bool], None]]:
    """Switches between blocks from the first record on, cut short, and none."""
    with pytest.MonkeyPatch.context() as patch:

        def switch(on: bool) -> None:
            patch.setattr(splitter, "HEAD", 0 if on else 10**9)
            patch.setattr(splitter, "HEAD_IN_COLUMNS", splitter.HEAD)
            patch.setattr(splitter, "PREVIEW", 0)
            patch.setattr(splitter, "SIZE", 3000)
            patch.setattr(reader, "CHUNK", 3000)
            patch.setattr(blocks_plain, "LEAST", 0)
            patch.setattr(blocks_plain, "GAP", 300)  # some stretches of a contig have many alleles, and others few
            for module in (blocks_plain, kinds):
                patch.setattr(module, "WORTH_A_KIND", 3)

        yield switch


def test_records_in_blocks(run: Annotate, genome: Genome, small_blocks: Callable[[bool], None]) -> None:
    """They come out as they do one by one, too."""

    def both(content: bytes) -> None:
        found = []
        for on in (True, False):
            small_blocks(on)
            found.append(outcome(lambda: _told(run, content)))
        assert found[0] == found[1]

    recipes = st.builds(
        Recipe,
        records=st.just(100),
        samples=st.integers(0, 2),
        repairs=st.sampled_from([0.0, 0.1]),
        errors=st.just(0.0),
    )
    explore(both, 15, content=files(genome.sequences, recipes))


def _told(run: Annotate, content: bytes) -> object:
    result = run(content, limits=LIMITS)
    return result.header, result.records, json.loads((result.folder / "summary.json").read_text())


def test_packed_bytes(run: Annotate, genome: Genome) -> None:
    sound = generate(1, genome.sequences, Recipe(records=60, samples=1)).content
    packed = {name: pack(sound) for name, pack in PACKINGS.items()}

    def check(name: str, damages: list[Damage]) -> None:
        outcome(lambda: run(damaged(packed[name], damages), limits=LIMITS))

    explore(check, 40, name=st.sampled_from(sorted(packed)), damages=DAMAGES)


@pytest.fixture(scope="module")
def bcfs(genome: Genome, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """BCF of valid files, without its compression."""
    folder = tmp_path_factory.mktemp("bcf")
    made = []
    for number, samples in enumerate((0, 1, 2)):
        (folder / "in.vcf").write_bytes(
            generate(number, genome.sequences, Recipe(records=40, repairs=0, samples=samples)).content
        )
        arguments: list[str | Path] = ["-Ou", "-o", folder / "out.bcf", folder / "in.vcf"]
        tool = Tool("view", arguments, work_dir=folder, memory_bytes=1024**3, cpu_seconds=60)
        tool.process.wait()
        assert tool.failure() is None
        tool.close()
        made.append(gzip.decompress((folder / "out.bcf").read_bytes()))
    return made


def test_bcf_bytes(run: Annotate, bcfs: list[bytes]) -> None:
    def check(number: int, damages: list[Damage], inside: bool) -> None:
        content = bcfs[number]
        bcf = bgzipped(damaged(content, damages)) if inside else damaged(bgzipped(content), damages)
        outcome(lambda: run(bcf, limits=LIMITS))

    explore(check, 60, number=st.integers(0, 2), damages=DAMAGES, inside=st.sampled_from([True, True, False]))


def test_changes_are_made() -> None:
    """Without this, the tests above might try valid files alone."""
    text = "##x=1\n#CHROM\tPOS\n1\t2\n1\t3"

    def check(wrong: list[Change]) -> None:
        different.append(changed(text, wrong) != text)

    different: list[bool] = []
    settings(max_examples=100, database=None)(seed(0)(given(st.lists(CHANGES, min_size=1, max_size=4))(check)))()
    assert sum(different) > 0.8 * len(different)
