"""One file in many forms: each allele is annotated the same, however its record is written, placed and packed."""

import gzip
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from subprocess import DEVNULL

import pytest

from annotator.effects import info_tags
from annotator.formats.bcftools import Tool
from annotator.formats.bgzf import END
from annotator.reference.pack import Reference
from annotator.sources.manifest import Source
from tests.support.generated_runs import KNOWN_SEEDS, Annotate, Annotated
from tests.support.genome import Genome
from tests.support.vcfs import Contigs, Recipe, generate

Key = tuple[str, int, str, str]  # contig, position, REF, ALT in normal form
Says = tuple[str, ...]  # the values of one allele, in the order of WORDS
WORDS = (*info_tags.DESCRIPTIONS, "said_SIG", "often_AF")
#: Without what hangs on genotypes: of alleles that overlap, joining records leaves one to a haplotype.
ALONE = tuple(word for word in WORDS if word != info_tags.PHASED)
SEEDS = KNOWN_SEEDS[:3]
APART = 200  # bases between records that cannot be neighbours


def normal(pos: int, ref: str, alt: str, bases: str) -> tuple[int, str, str]:
    """Parsimonious and left-aligned, base by base as the definition has it (Tan et al. 2015)."""
    while ref[-1] == alt[-1] and ((len(ref) > 1 and len(alt) > 1) or pos > 1):
        ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            pos -= 1
            ref, alt = bases[pos - 1] + ref, bases[pos - 1] + alt
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    return pos, ref, alt


def said(
    result: Annotated, contigs: Contigs, words: Sequence[str] = WORDS, *, only_normal: bool = False
) -> dict[Key, set[Says]]:
    """What is said of each allele that is written in bases; one thing alone, if all is well.

    only_normal: leave out those that are not written in normal form.
    """
    found: dict[Key, set[Says]] = {}
    for contig, pos, _, ref, alts, _, _, info, *_ in result.records:
        values = dict(entry.partition("=")[::2] for entry in info.split(";"))
        for number, alt in enumerate(alts.split(",")):
            if not set(ref + alt) <= set("ACGT") or ref == alt:
                continue
            form = normal(int(pos), ref, alt, contigs[contig])
            if only_normal and form != (int(pos), ref, alt):
                continue
            said_of_it = tuple(values[word].split(",")[number] if word in values else "." for word in words)
            found.setdefault((contig, *form), set()).add(said_of_it)
    return found


def differences(one: dict[Key, set[Says]], other: dict[Key, set[Says]]) -> dict[Key, tuple[object, object]]:
    return {
        key: (one.get(key), other.get(key))
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    }


@pytest.fixture(scope="module", params=SEEDS)
def content(request: pytest.FixtureRequest, genome: Genome, plain: Recipe) -> bytes:
    return generate(request.param, genome.sequences, plain).content


@pytest.fixture(scope="module")
def base(run: Annotate, content: bytes, sources: list[Source]) -> Annotated:
    return run(content, sources=sources)


def test_each_allele_is_annotated_at_all(base: Annotated, genome: Genome) -> None:
    """Else the other tests would compare nothing with nothing."""
    alleles = said(base, genome.sequences)
    assert all(len(what) == 1 for what in alleles.values())
    told = Counter(
        word
        for what in alleles.values()
        for says in what
        for word, value in zip(WORDS, says, strict=True)
        if value != "."
    )
    assert told["GAS_CSQ"] == told["GAS_HGVSG"] == len(alleles) > 100
    assert min(told[word] for word in ("GAS_GENE", "GAS_HGVSP", "said_SIG", "often_AF")) >= 10
    assert told["GAS_PHASED"] >= 5


# --- Packing


def lines_of(content: bytes) -> tuple[bytes, list[bytes]]:
    """The header as it is, and the records' lines."""
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(b"#")), [li for li in lines if not li.startswith(b"#")]


def bgzip(content: bytes, sizes: Iterable[int], end: bytes = END) -> bytes:
    """Blocks of these sizes, over and over; blocks may be empty, and need not end with a line."""
    out, at, left = b"", 0, cycle(sizes)
    while at < len(content):
        size = next(left)
        data = content[at : at + size]
        at += size
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush()
        out += b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(packed) + 25) + packed
        out += struct.pack("<II", zlib.crc32(data), len(data))
    return out + end


def dice(seed: int = 1) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing secret


def members(content: bytes) -> bytes:
    """Gzip files one behind the other, cut anywhere."""
    cuts = [0, *sorted(dice().sample(range(len(content)), 9)), len(content)]
    return b"".join(gzip.compress(content[one:two]) for one, two in pairwise(cuts))


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip members": members,
    "gzip, stored": lambda content: gzip.compress(content, 0),
    "bgzip": lambda content: bgzip(content, [0xFF00]),
    "bgzip, blocks of one byte and of none": lambda content: bgzip(content, [1, 0, 900, 1, 1, 77]),
    "bgzip, odd blocks": lambda content: bgzip(content, [dice(number).randrange(1, 5000) for number in range(50)]),
    "bgzip, largest blocks": lambda content: bgzip(content, [65_280]),
    "Windows line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "Windows line ends, gzip": lambda content: gzip.compress(content.replace(b"\n", b"\r\n")),
    "no last line end": lambda content: content.rstrip(b"\n"),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "bytes after the end": lambda content: gzip.compress(content) + b"\0" * 512,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_packing_changes_no_record(
    run: Annotate, base: Annotated, content: bytes, sources: list[Source], packing: str
) -> None:
    assert run(PACKINGS[packing](content), sources=sources).records == base.records


# --- Order, and parts


def test_shuffled_records_come_out_the_same_and_sorted(
    run: Annotate, base: Annotated, content: bytes, sources: list[Source]
) -> None:
    header, records = lines_of(content)
    dice().shuffle(records)
    result = run(header + b"".join(records), sources=sources)
    assert sorted(result.records) == sorted(base.records)
    places = [(record[0], int(record[1])) for record in result.records]
    assert places == [(record[0], int(record[1])) for record in base.records]


def test_contigs_in_another_order_are_annotated_the_same(
    run: Annotate, base: Annotated, content: bytes, sources: list[Source], genome: Genome
) -> None:
    header, records = lines_of(content)
    turned = [one for name in reversed(genome.sequences) for one in records if one.startswith(f"{name}\t".encode())]
    result = run(header + b"".join(turned), sources=sources)
    assert sorted(result.records) == sorted(base.records)
    assert result.records[0][0] == list(genome.sequences)[-1]


def test_parts_give_together_what_the_whole_gives(
    run: Annotate, base: Annotated, content: bytes, sources: list[Source]
) -> None:
    header, records = lines_of(content)
    places = [(contig, int(pos)) for contig, pos, *_ in (record.split(b"\t", 2) for record in records)]
    pairs = enumerate(pairwise(places), 1)
    apart = [cut for cut, (one, two) in pairs if one[0] != two[0] or two[1] - one[1] > APART]
    cuts = [0, apart[0], *apart[30:32], apart[60], len(records)]
    parts = [run(header + b"".join(records[one:two]), sources=sources) for one, two in pairwise(cuts)]
    assert [record for part in parts for record in part.records] == base.records


def test_one_allele_is_annotated_the_same_twice_and_among_others(
    run: Annotate, content: bytes, base: Annotated, sources: list[Source], genome: Genome
) -> None:
    header, records = lines_of(content)
    twice = [record for record in records for _ in range(2)]
    assert said(run(header + b"".join(twice), sources=sources), genome.sequences) == said(base, genome.sequences)


# --- Spelling


@pytest.fixture(scope="module")
def norm(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """bcftools norm, with options, on a VCF's bytes."""

    def normalised(content: bytes, *options: str) -> bytes:
        folder = tmp_path_factory.mktemp("norm")
        source, target = folder / "in.vcf", folder / "out.vcf"
        source.write_bytes(content)
        tool = Tool(
            "norm",
            ["--no-version", "-f", reference.fasta, "-c", "w", *options, "-Ov", "-o", target, source],
            work_dir=folder,
            memory_bytes=1024**3,
            cpu_seconds=60,
            stdout=DEVNULL,
        )
        tool.process.wait()
        failure = tool.failure()
        tool.close()
        assert failure is None, tool.messages()
        return target.read_bytes()

    return normalised


SPELLINGS = {
    "split": ["-m", "-any"],
    "joined": ["-m", "+any"],
    "joined by type": ["-m", "+both"],
    "only aligned": [],
}


@pytest.fixture
def words(request: pytest.FixtureRequest) -> Sequence[str]:
    """What must be the same in the spelling that respelled has."""
    joined = "joined" in request.node.callspec.params["respelled"]
    return ALONE if joined else WORDS


@pytest.fixture(scope="module", params=SPELLINGS)
def respelled(
    request: pytest.FixtureRequest,
    run: Annotate,
    norm: Callable[..., bytes],
    content: bytes,
    sources: list[Source],
) -> Annotated:
    changed = norm(content, *SPELLINGS[request.param])
    assert changed != content
    result = run(changed, sources=sources)
    assert result.report.skipped == 0
    return result


def test_normalised_split_and_joined_alleles_are_described_and_known_the_same(
    base: Annotated, respelled: Annotated, genome: Genome
) -> None:
    words = ("GAS_HGVSG", "said_SIG", "often_AF")
    one, other = (said(result, genome.sequences, words) for result in (base, respelled))
    assert differences(one, other) == {}


def test_alleles_that_are_written_the_same_in_other_records_are_annotated_the_same(
    base: Annotated, respelled: Annotated, genome: Genome, words: Sequence[str]
) -> None:
    one, other = (said(result, genome.sequences, words, only_normal=True) for result in (base, respelled))
    both = one.keys() & other.keys()
    assert len(both) > 80
    assert {key: one[key] for key in both} == {key: other[key] for key in both}


def test_normalised_split_and_joined_alleles_are_annotated_the_same(
    base: Annotated, respelled: Annotated, genome: Genome, words: Sequence[str]
) -> None:
    one, other = (said(result, genome.sequences, words) for result in (base, respelled))
    assert differences(one, other) == {}


def test_everything_at_once(
    run: Annotate,
    base: Annotated,
    norm: Callable[..., bytes],
    content: bytes,
    sources: list[Source],
    genome: Genome,
) -> None:
    """Joined, split again, shuffled, packed oddly, with other names of contigs and lower-case bases."""
    header, records = lines_of(norm(norm(content, "-m", "+any"), "-m", "-any"))
    dice(5).shuffle(records)
    columns = [record.split(b"\t") for record in records]
    for row in columns:
        row[0] = b"chrM" if row[0] == b"MT" else b"chr" + row[0]
        row[3] = row[3].lower()
    renamed = header.replace(b"##contig=<ID=", b"##contig=<ID=chr").replace(b"chrMT", b"chrM")
    result = run(bgzip(renamed + b"".join(b"\t".join(row) for row in columns), [3, 999, 1, 0, 17]), sources=sources)
    back = [[record[0].removeprefix("chr").replace("M", "MT"), *record[1:]] for record in result.records]
    one, other = (said(made, genome.sequences, ALONE) for made in (base, replace(result, records=back)))
    assert differences(one, other) == {}
