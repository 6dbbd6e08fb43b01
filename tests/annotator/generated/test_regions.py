"""A small file is annotated with the genes near its records alone, and says the same as with all of them."""

import dataclasses
import gzip
import random
from array import array
from collections.abc import Iterable
from pathlib import Path

import pytest

from annotator import regional, stream
from annotator.blocks import cutting
from annotator.features import GENE_TYPES, NEARBY, REGION_TYPES, FeatureLookup, Features, SlicedFeatures
from annotator.install import chunks
from annotator.install.install import Wanted, install
from annotator.references import Reference, load_reference
from annotator.regional import RegionalFeatures
from annotator.regions import FORWARD, MARGIN, NO_GENE, REVERSE, GeneIndex, Genes
from annotator.slices import read_text
from tests.annotator.generated.conftest import Annotate
from tests.support.crowd import CONTIGS, make_crowd
from tests.support.genome import ASSEMBLY, SPECIES, Genome, serve_as_ensembl
from tests.support.vcfs import Recipe, generate

FILES = ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt")
SAMPLED = "".join(f"##contig=<ID={name},length={size}>\n" for name, size in CONTIGS.items())


@pytest.fixture(scope="module")
def crowd() -> Genome:
    return make_crowd()[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crowd")
    genome, gff = make_crowd()
    serve_as_ensembl(root / "pub", genome, gff=gff)
    install(Wanted(SPECIES, base=(root / "pub").as_uri()), root / "packs")
    return root / "packs"


@pytest.fixture
def pack(folder: Path) -> Reference:
    """As a process finds it that has annotated nothing yet."""
    return dataclasses.replace(load_reference(ASSEMBLY, folder))


@pytest.fixture(scope="module")
def by_contig(folder: Path) -> Reference:
    """The same pack as it was before genes were indexed."""
    return dataclasses.replace(load_reference(ASSEMBLY, folder), gene_index=None, _index_sections={})


@pytest.fixture(scope="module")
def whole(by_contig: Reference, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The same pack made by hand: csq and the library itself are given the GFF3 as it is."""
    gff = tmp_path_factory.mktemp("whole") / by_contig.gff.name  # which the header has
    gff.write_bytes(gzip.decompress(by_contig.gff.read_bytes()))
    return dataclasses.replace(by_contig, gff=gff, feature_table=None, _gff_slices={}, _feature_slices={})


def indexed(pack: Reference, contig: str) -> tuple[Genes, GeneIndex]:
    assert pack.genes is not None
    index = pack.genes.of(contig)
    assert index is not None
    return pack.genes, index


def rows_of(path: Path) -> list[str]:
    text = path.read_bytes()
    return (gzip.decompress(text) if text.startswith(b"\x1f\x8b") else text).decode().splitlines()


# --- The results


def file_of(genome: Genome, places: Iterable[tuple[str, int, int]], seed: int, each: int = 12) -> bytes:
    """A VCF with so many records in each of the places (contig, first, last)."""
    rng = random.Random(seed)  # noqa: S311
    found = []
    for contig, first, last in places:
        bases = genome.sequences[contig]
        for _ in range(each):
            pos = rng.randint(max(1, first), min(len(bases), last))
            ref = bases[pos - 1 : pos - 1 + rng.choice((1, 1, 1, 1, 2, 3, 60))]
            alts = {"".join(rng.choices("ACGT", k=rng.choice((1, 1, 2, 4)))) for _ in range(rng.choice((1, 1, 1, 2)))}
            some = ",".join(sorted(alts - {ref})) or "<DEL>"
            found.append((list(genome.sequences).index(contig), pos, f"{contig}\t{pos}\t.\t{ref}\t{some}\t.\t.\t.\n"))
    lines = "".join(line for _, _, line in sorted(found))
    return f"##fileformat=VCFv4.2\n{SAMPLED}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{lines}".encode()


def same(run: Annotate, content: bytes, *packs: Reference) -> list[list[str]]:
    one, *others = (run(content, reference=pack) for pack in packs)
    for other in others:
        assert one.records == other.records
        for name in FILES:
            assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    return one.records


@pytest.mark.parametrize("seed", range(4))
def test_files_of_a_few_places_come_out_as_with_all_genes(
    run: Annotate, pack: Reference, by_contig: Reference, whole: Reference, crowd: Genome, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    places = [("1", start, start + 900) for start in rng.sample(range(CONTIGS["1"] - 900), 3)]
    places += [("2", start, start + 400) for start in rng.sample(range(CONTIGS["2"] - 400), 2)]
    places += [("1", 1, 60), ("1", CONTIGS["1"] - 60, CONTIGS["1"]), ("2", CONTIGS["2"] - 9, CONTIGS["2"])]
    places += [("3", 1, 5_000)]
    records = same(run, file_of(crowd, places, seed), pack, by_contig, whole)
    answers = {row[7].partition("BCSQ=")[2].partition("|")[0] for row in records}
    assert len(answers) > 4, answers
    assert pack.genes is not None
    assert pack.genes.gff.blocks_read > 0, "csq was given what is near"


def test_records_beside_the_ends_of_genes_do_too(
    run: Annotate, pack: Reference, whole: Reference, crowd: Genome
) -> None:
    _, index = indexed(pack, "1")
    edges = [*index.starts, *index.ends]
    rng = random.Random(1)  # noqa: S311
    ends = rng.sample([edge for edge in edges if 50 < edge < CONTIGS["1"] - 50], 12)
    same(run, file_of(crowd, [("1", end - 12, end + 12) for end in ends], seed=1), pack, whole)


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_files_of_the_whole_genome_do_too(
    run: Annotate, pack: Reference, whole: Reference, crowd: Genome, order: str
) -> None:
    content = generate(5, crowd.sequences, Recipe(records=120, errors=0.05, samples=1, order=order)).content
    same(run, content, pack, whole)


def test_files_whose_records_go_in_blocks_do_too(
    run: Annotate, pack: Reference, whole: Reference, crowd: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "HEAD", 1024)
    places = [("1", 100_000, 102_000), ("2", 50_000, 52_000)]
    same(run, file_of(crowd, places, seed=7, each=130), pack, whole)


def test_long_files_are_given_all_genes(
    run: Annotate, pack: Reference, whole: Reference, crowd: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOOK_AHEAD", 0)
    same(run, file_of(crowd, [("1", 100_000, 104_000)], seed=8), pack, whole)
    assert pack.genes is not None
    assert pack.genes.gff.blocks_read == 0


# --- What csq is given


def test_csq_is_given_what_is_near_in_the_order_of_the_pack(pack: Reference, tmp_path: Path) -> None:
    genes, _ = indexed(pack, "1")
    every = [row for row in rows_of(pack.gff) if row.startswith("1\t")]
    for seed in range(20):
        rng = random.Random(seed)  # noqa: S311
        first = rng.randint(1, CONTIGS["1"])
        places = [(first, first + rng.choice((0, 3, 900))), (5, 6)]
        assert genes.write_gff({"1": places, "3": [(1, 9)]}, tmp_path / "given", b"the end\n")
        head, *given = rows_of(tmp_path / "given")
        given = given[: given.index("the end")]
        assert head == "##gff-version 3"
        wanted = whole_genes(every, [(a - MARGIN, b + MARGIN) for a, b in places])
        assert given == wanted
        assert len(given) < len(every) / 2
        assert len(wanted) > 20


def whole_genes(rows: list[str], spans: list[tuple[int, int]]) -> list[str]:
    """The rows of all genes of which any row lies in one of the spans."""
    number = [gene_number(row) for row in rows]
    reach: dict[str, tuple[int, int]] = {}
    for row, gene in zip(rows, number, strict=True):
        start, end = (int(column) for column in row.split("\t")[3:5])
        low, high = reach.get(gene, (start, end))
        reach[gene] = min(low, start), max(high, end)
    near = {gene for gene, (low, high) in reach.items() if any(low <= b and high >= a for a, b in spans)}
    return [row for row, gene in zip(rows, number, strict=True) if gene in near]


def gene_number(row: str) -> str:
    """The crowd's numbers are of five digits, and its transcripts' names begin with that of their gene."""
    tags = row.split("\t")[8]
    for mark in ("ID=gene:G", "transcript:T"):
        if mark in tags:
            return tags.partition(mark)[2][:5]
    return tags


def test_of_too_much_all_is_given(pack: Reference, tmp_path: Path) -> None:
    genes, _ = indexed(pack, "1")
    assert not genes.write_gff({"1": [(1, CONTIGS["1"])]}, tmp_path / "given")
    assert not (tmp_path / "given").exists()


TWINS = """1\tmade\tgene\t5001\t5900\t.\t+\t.\tID=gene:TWIN;Name=TWIN;biotype=protein_coding
{}1\tmade\tmRNA\t5001\t5900\t.\t+\t.\tID=transcript:A;Parent=gene:TWIN;biotype=protein_coding
1\tmade\texon\t5001\t5900\t.\t+\t.\tParent=transcript:A
1\tmade\tCDS\t5001\t5900\t.\t+\t0\tID=CDS:A;Parent=transcript:A
1\tmade\tmRNA\t5001\t5900\t.\t+\t.\tID=transcript:B;Parent=gene:TWIN;biotype=protein_coding
1\tmade\texon\t5001\t5900\t.\t+\t.\tParent=transcript:B
1\tmade\tCDS\t5001\t5900\t.\t+\t0\tID=CDS:B;Parent=transcript:B
"""


@pytest.mark.parametrize("strangers", [0, 1, 3, 4, 7])
def test_twins_are_named_in_their_order_whatever_else_is_given(
    run: Annotate, tmp_path: Path, crowd: Genome, strangers: int
) -> None:
    """csq passes over transcripts of a kind that it does not know, and these change the order of others in its memory;
    not if there are many more of those that it knows.
    """
    many = "".join(
        f"1\tmade\tgene\t{start}\t{start + 50}\t.\t+\t.\tID=gene:M{start};biotype=protein_coding\n"
        f"1\tmade\tmRNA\t{start}\t{start + 50}\t.\t+\t.\tID=transcript:M{start};Parent=gene:M{start};biotype=mRNA\n"
        f"1\tmade\texon\t{start}\t{start + 50}\t.\t+\t.\tParent=transcript:M{start}\n"
        for start in range(20_001, 40_001, 200)
    )
    unknown = "".join(
        f"1\tmade\ttranscript\t5001\t5900\t.\t+\t.\tID=transcript:U{number};Parent=gene:TWIN;biotype=TEC\n"
        f"1\tmade\texon\t5001\t5900\t.\t+\t.\tParent=transcript:U{number}\n"
        for number in range(strangers)
    )
    only = Genome({"1": crowd.sequences["1"][:60_000]}, {})
    serve_as_ensembl(tmp_path / "pub", only, gff=f"##gff-version 3\n{TWINS.format(unknown)}{many}")
    install(Wanted(SPECIES, base=(tmp_path / "pub").as_uri()), tmp_path / "packs")
    pack = load_reference(ASSEMBLY, tmp_path / "packs")
    base = only.sequences["1"][5_399]
    text = f"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5400\t.\t{base}\tA\t.\t.\t.\n"
    (record,) = same(run, text.encode(), pack, dataclasses.replace(pack, gene_index=None))
    assert record[7].index("|TWIN|A|") < record[7].index("|TWIN|B|")


# --- Looking up


class Nothing:
    """What must not be asked."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked of all of the contig")


def table_of(pack: Reference, contig: str) -> Features:
    assert pack.feature_table is not None
    return Features.of_table(contig, read_text(pack.feature_table, pack._feature_slices[contig]).splitlines())


def answers(features: FeatureLookup, contig: str, start: int, end: int, gene: str) -> tuple[object, ...]:
    return (
        features.names(contig, start, end),
        features.beside(contig, start, end),
        features.in_rna(contig, "", start, end),
        features.in_rna(contig, gene, start, end),
        features.in_incomplete_codon(contig, start, end),
        features.coding(contig, start, end),
        sorted(features.models(contig, start, end), key=lambda model: model.name),  # which are in no order
    )


def test_every_lookup_gives_what_the_whole_contig_does(pack: Reference) -> None:
    """Of two contigs in turn, so that neither is read as a whole."""
    tables = {contig: table_of(pack, contig) for contig in ("1", "2")}
    features = RegionalFeatures(Nothing(), indexed(pack, "1")[0])  # type: ignore[arg-type]
    rng = random.Random(4)  # noqa: S311
    seen: list[set[object]] = [set() for _ in range(7)]
    for number in range(1_500):
        contig = "12"[number % 2]
        index = indexed(pack, contig)[1]
        edge = rng.choice((index.starts, index.ends))[rng.randrange(len(index.starts))]
        codon = rng.choice(sorted(tables[contig]._incomplete[contig]))[0]
        start = rng.choice((rng.randint(1, CONTIGS[contig]), edge + rng.randint(-5_020, 5_020), edge, codon))
        start = max(1, start)
        end = start + rng.choice((0, 0, 0, 1, 2, 70, 3_000))
        gene = rng.choice([rng.choice(tables[contig].genes).name, *tables[contig].names(contig, start, end)])
        expected = answers(tables[contig], contig, start, end, gene)
        assert answers(features, contig, start, end, gene) == expected, (contig, start, end, gene)
        for found, answer in zip(seen, expected, strict=True):
            found.add(str(answer))
    assert [len(found) > least for found, least in zip(seen, (99, 3, 3, 3, 1, 99, 99), strict=True)] == [True] * 7


def test_transcripts_are_found_by_name(pack: Reference) -> None:
    table = table_of(pack, "1")
    features = RegionalFeatures(Nothing(), indexed(pack, "1")[0])  # type: ignore[arg-type]
    names = [row.split("\t")[1] for row in table._rows.values()]
    assert len(names) > 100
    for name in [*names, "nobody"]:
        assert features.transcript(name, "1") == table.transcript(name, "1")
        assert features.transcript(name, "2") is None


def test_stretches_and_a_contig_without_genes_are_the_same(pack: Reference, by_contig: Reference) -> None:
    assert isinstance(pack.features, RegionalFeatures)
    assert isinstance(by_contig.features, SlicedFeatures)
    for contig in CONTIGS:
        assert pack.features.stretches(contig) == by_contig.features.stretches(contig)
    assert answers(pack.features, "3", 5, 9, "") == answers(by_contig.features, "3", 5, 9, "")
    assert pack.features.transcript("T1000", "3") is None


def test_one_gene_takes_few_blocks_and_many_lookups_all_of_the_contig_once(
    pack: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    genes, index = indexed(pack, "1")
    assert len(index.table_blocks) - 1 >= 24
    table = table_of(pack, "1")
    asked: list[str] = []

    class Watched(Nothing):
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(table, name)

    features = RegionalFeatures(Watched(), genes)  # type: ignore[arg-type]
    for start in range(200_000, 201_000, 10):
        assert answers(features, "1", start, start, "") == answers(table, "1", start, start, "")
    assert genes.table.blocks_read <= 6  # of the gene itself, of one far in front that reaches over it
    assert not asked
    monkeypatch.setattr(regional, "GENES_KEPT", 1)  # so that the genes of a place are read again and again
    features = RegionalFeatures(Watched(), genes)  # type: ignore[arg-type]
    for start in range(1, CONTIGS["1"], 100):
        assert features.names("1", start, start) == table.names("1", start, start)
    assert asked
    features.names("2", 5, 5)
    asked.clear()
    features.names("1", 5, 5)
    assert not asked, "a new visit begins anew"


# --- The index itself


def test_an_index_is_read_as_it_was_written(pack: Reference) -> None:
    _, index = indexed(pack, "2")
    assert GeneIndex.of_bytes(index.to_bytes()) == index
    with pytest.raises(ValueError, match="damaged"):
        GeneIndex.of_bytes(index.to_bytes()[:-4])


def test_an_index_without_the_genes_own_rows_gives_the_same(pack: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    genes, index = indexed(pack, "1")
    assert {*index.heads} == {FORWARD, REVERSE, NO_GENE}
    arrays = [getattr(index, one.name) for one in dataclasses.fields(index)][:-1]
    older = GeneIndex.of_bytes(b"".join(part.tobytes() for part in (array("I", map(len, arrays)), *arrays)))
    assert older == dataclasses.replace(index, heads=array("I"))
    features, expected = (RegionalFeatures(Nothing(), genes) for _ in range(2))  # type: ignore[arg-type]
    places = [edge + by for edge in (*index.starts, *index.ends) for by in (-NEARBY - 1, -NEARBY, -1, 1, NEARBY)]
    words = [expected.beside("1", place, place) for place in places]
    monkeypatch.setattr(genes, "of", {"1": older}.get)
    assert [features.beside("1", place, place) for place in places] == words
    assert len(set(words)) == 4


def test_all_rows_belong_to_one_gene(pack: Reference) -> None:
    genes, index = indexed(pack, "1")
    every = range(len(index.starts))
    (span,) = index.runs_of(every)
    text = genes.gff.between("1", index.gff_blocks, *span).decode()
    assert text.splitlines() == [row for row in rows_of(pack.gff) if row.startswith("1\t")]
    assert pack.feature_table is not None
    sliced = read_text(pack.feature_table, pack._feature_slices["1"])
    assert "".join(genes.rows("1", index, gene) for gene in every) == sliced


def test_places_in_any_order_find_every_gene_once(pack: Reference) -> None:
    _, index = indexed(pack, "1")
    rng = random.Random(9)  # noqa: S311
    for _ in range(200):
        places = [(start, start + rng.randint(0, 400)) for start in rng.sample(range(1, CONTIGS["1"]), 4)]
        expected = sorted({gene for first, last in places for gene in index.overlapping(first - 20, last + 20)})
        assert index.near(places, 20) == expected
    assert index.near([]) == []


def test_rows_of_unusual_parents_stay_together() -> None:
    """An exon of two transcripts goes with the first; one whose transcript has no row, with others of the same; a row
    that comes before its parent, with that.
    """
    lines = [
        (200, b"1\tx\texon\t200\t210\t.\t+\t.\tParent=transcript:late"),
        (100, b"1\tx\tgene\t100\t300\t.\t+\t.\tID=gene:one"),
        (200, b"1\tx\tmRNA\t200\t210\t.\t+\t.\tID=transcript:late;Parent=gene:one"),
        (150, b"1\tx\texon\t150\t160\t.\t+\t.\tParent=transcript:late,transcript:other"),
        (120, b"1\tx\tD_loop\t120\t130\t.\t+\t.\tName=loop"),
        (110, b"1\tx\texon\t110\t115\t.\t+\t.\tParent=transcript:nobody"),
        (180, b"1\tx\tCDS\t180\t185\t.\t+\t0\tID=CDS:c;Parent=transcript:nobody"),
    ]
    genes = chunks.Genes(lines, GENE_TYPES | REGION_TYPES)
    assert genes.lines == [line for _, line in sorted(lines, key=lambda pair: pair[0])]
    index = genes.index([], [])
    assert index is not None
    assert list(zip(index.starts, index.ends, strict=True)) == [(100, 300), (110, 185), (120, 130)]
    text = "".join(f"{line.decode()}\n" for line in genes.lines)
    parts = ["".join(text[begin:end] for begin, end in index.runs_of([gene])) for gene in range(3)]
    assert [part.count("\n") for part in parts] == [4, 2, 1]
    assert parts[1].count("nobody") == 2
