"""Transcripts: their flags, the one that matters, and what is described on it."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator import consequence
from annotator.alleles import Change
from annotator.features import Features
from annotator.sequence import Sequence
from annotator.transcripts import FLAGS, Model, chosen, describe, edges, of_row, row
from tests.annotator.packs import make_pack

#: Two genes on both strands. TP1: MANE; TP2: the same exons one further; NF: its first codon is not whole; LNC: of no
#: code; SLIP: a coding part that jumps back; BOTH: exons on both strands; LONE: coding segments, and no row of an exon.
GFF3 = """\
##gff-version 3
1\tx\tgene\t11\t90\t.\t+\t.\tID=gene:G1;Name=ONE;biotype=protein_coding
1\tx\tmRNA\t11\t50\t.\t+\t.\tID=transcript:TP1;Parent=gene:G1;biotype=protein_coding;tag=basic,Ensembl_canonical,MANE_Select;version=4
1\tx\texon\t11\t20\t.\t+\t.\tParent=transcript:TP1
1\tx\texon\t31\t50\t.\t+\t.\tParent=transcript:TP1
1\tx\tCDS\t15\t20\t.\t+\t0\tID=CDS:P1;Parent=transcript:TP1
1\tx\tCDS\t31\t39\t.\t+\t0\tID=CDS:P1;Parent=transcript:TP1
1\tx\tmRNA\t11\t90\t.\t+\t.\tID=transcript:TP2;Parent=gene:G1;biotype=protein_coding;tag=basic,MANE_Plus_Clinical;version=1
1\tx\texon\t11\t20\t.\t+\t.\tParent=transcript:TP2
1\tx\texon\t31\t40\t.\t+\t.\tParent=transcript:TP2
1\tx\texon\t71\t90\t.\t+\t.\tParent=transcript:TP2
1\tx\tCDS\t71\t85\t.\t+\t0\tID=CDS:P2;Parent=transcript:TP2
1\tx\tmRNA\t11\t90\t.\t+\t.\tID=transcript:TP3;Parent=gene:G1;biotype=protein_coding;tag=basic
1\tx\texon\t11\t90\t.\t+\t.\tParent=transcript:TP3
1\tx\tCDS\t15\t29\t.\t+\t0\tID=CDS:P3;Parent=transcript:TP3
1\tx\tncRNA_gene\t121\t160\t.\t-\t.\tID=gene:G2;biotype=lncRNA
1\tx\tlnc_RNA\t121\t160\t.\t-\t.\tID=transcript:LNC;Parent=gene:G2;biotype=lncRNA;version=2;tag=Ensembl_canonical
1\tx\texon\t121\t130\t.\t-\t.\tParent=transcript:LNC
1\tx\texon\t141\t160\t.\t-\t.\tParent=transcript:LNC
1\tx\tgene\t201\t250\t.\t-\t.\tID=gene:G3;Name=THREE;biotype=protein_coding
1\tx\tmRNA\t201\t250\t.\t-\t.\tID=transcript:NF;Parent=gene:G3;biotype=protein_coding;tag=Ensembl_canonical
1\tx\texon\t201\t250\t.\t-\t.\tParent=transcript:NF
1\tx\tCDS\t211\t250\t.\t-\t1\tID=CDS:P4;Parent=transcript:NF
1\tx\tgene\t301\t350\t.\t+\t.\tID=gene:G4;Name=FOUR;biotype=protein_coding
1\tx\tmRNA\t301\t350\t.\t+\t.\tID=transcript:SLIP;Parent=gene:G4;biotype=protein_coding
1\tx\texon\t301\t350\t.\t+\t.\tParent=transcript:SLIP
1\tx\tCDS\t304\t315\t.\t+\t0\tID=CDS:P5;Parent=transcript:SLIP
1\tx\tCDS\t315\t335\t.\t+\t0\tID=CDS:P5;Parent=transcript:SLIP
1\tx\tgene\t401\t450\t.\t+\t.\tID=gene:G5;Name=FIVE;biotype=protein_coding
1\tx\tmRNA\t401\t450\t.\t+\t.\tID=transcript:BOTH;Parent=gene:G5;biotype=protein_coding
1\tx\texon\t401\t410\t.\t-\t.\tParent=transcript:BOTH
1\tx\texon\t421\t450\t.\t+\t.\tParent=transcript:BOTH
1\tx\tCDS\t421\t435\t.\t+\t0\tID=CDS:P6;Parent=transcript:BOTH
1\tx\tgene\t501\t550\t.\t-\t.\tID=gene:G6;Name=SIX;biotype=protein_coding
1\tx\tmRNA\t501\t550\t.\t-\t.\tID=transcript:LONE.3;Parent=gene:G6;biotype=protein_coding;version=3
1\tx\tCDS\t501\t510\t.\t-\t1\tID=CDS:P7;Parent=transcript:LONE.3
1\tx\tCDS\t540\t550\t.\t-\t0\tID=CDS:P7;Parent=transcript:LONE.3
1\tx\tmRNA\t501\t550\t.\t-\t.\tID=transcript:GUESS;Parent=gene:G6;biotype=protein_coding;tag=cds_start_NF
1\tx\texon\t501\t550\t.\t-\t.\tParent=transcript:GUESS
1\tx\tCDS\t501\t550\t.\t-\t0\tID=CDS:P8;Parent=transcript:GUESS
2\tx\tncRNA_gene\t11\t90\t.\t-\t.\tID=gene:G7;Name=TRNA;biotype=tRNA
2\tx\ttRNA\t11\t90\t.\t-\t.\tID=transcript:TRN;Parent=gene:G7;biotype=tRNA
"""
GENOME = {"1": "ACGT" * 150, "2": "GATTACA" * 20}


def whole(path: Path) -> Features:
    return Features(path)


def sliced(path: Path) -> Features:
    """By way of the rows of a pack's table, of contig 1."""
    found = Features(path)
    genes = [f"{one.kind}\t{one.start}\t{one.end}\t{one.strand}\t{one.biotype}\t{one.name}\t" for one in found.genes]
    models = [row(model) for model in found.models("1", 1, 600)]
    return Features.of_table("1", [gene for gene in genes if "TRNA" not in gene] + models)


@pytest.fixture(params=[whole, sliced])
def features(request: pytest.FixtureRequest, tmp_path: Path) -> Features:
    path = tmp_path / "genes.gff3"
    path.write_text(GFF3)
    read: Callable[[Path], Features] = request.param
    return read(path)


@pytest.fixture(scope="module")
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    return make_pack(tmp_path_factory.mktemp("packs"), GENOME).sequence


def by_name(features: Features) -> dict[str, Model]:
    return {model.name: model for model in features.models("1", 1, 600)}


def test_flags_and_versions_are_read(features: Features) -> None:
    models = by_name(features)
    assert {name: model.flags for name, model in models.items() if model.flags} == {
        "TP1": ("MANE_Select", "Ensembl_canonical"),
        "TP2": ("MANE_Plus_Clinical",),
        "LNC": ("Ensembl_canonical",),
        "NF": ("Ensembl_canonical",),
    }
    assert [models[name].label for name in ("TP1", "TP3", "LONE.3")] == ["TP1.4", "TP3", "LONE.3"]
    assert [models[name].flag for name in ("TP1", "TP3")] == ["MANE_Select", ""]
    assert (models["TP1"].gene, models["LNC"].gene) == ("ONE", "G2")  # a gene without a name goes by its id


def test_a_transcript_whose_bases_cannot_be_numbered_is_known_all_the_same(features: Features) -> None:
    assert {name for name, model in by_name(features).items() if model.layout is None} == {
        "NF", "SLIP", "BOTH", "GUESS",
    }  # fmt: skip


def test_without_rows_of_exons_the_coding_segments_are_the_exons(features: Features) -> None:
    layout = by_name(features)["LONE.3"].layout
    assert layout
    assert (layout.exons, layout.coding) == (((501, 510), (540, 550)), (501, 550))


def test_a_row_says_all_of_it(features: Features) -> None:
    for model in by_name(features).values():
        again = of_row("1", row(model))
        assert (again, again.layout) == (model, model.layout)


def test_lookup_finds_what_overlaps_and_nothing_else(features: Features) -> None:
    def names(start: int, end: int, contig: str = "1") -> set[str]:
        return {model.name for model in features.models(contig, start, end)}

    assert names(50, 50) == {"TP1", "TP2", "TP3"}
    assert names(51, 51) == {"TP2", "TP3"}
    assert names(91, 120) == set()
    assert names(90, 121) == {"TP2", "TP3", "LNC"}
    assert names(1, 90, "3") == set()


def test_a_table_that_was_made_before_there_were_such_rows_is_read(sequence: Sequence) -> None:
    old = Features.of_table(
        "1",
        [
            "gene\t11\t90\t+\tprotein_coding\tONE\t",
            "CDS\tTP1\t+\t\t0\t15-20,31-39",
            "RNA\t121\t160\t-\tG2\t121-130,141-160",
        ],
    )
    assert old.names("1", 15, 15) == ["ONE"]
    assert old.in_rna("1", "G2", 125, 125) == "non_coding"
    assert old.models("1", 1, 600) == []
    assert describe(old, partial(sequence.fetch, "1"), "1", Change(15, "G", "A"), ()) == ("", "")


@pytest.mark.parametrize(
    ("change", "bcsq", "expected"),
    [
        (Change(15, "G", "A"), "start_lost|ONE|TP1|protein_coding|+|1M>1I", ("TP1.4:c.1G>A", "MANE_Select")),
        # MANE counts for more than what is worse for another transcript.
        (Change(25, "A", "C"), "missense|ONE|TP3|protein_coding|+|4L>4P", ("TP1.4:c.6+5A>C", "MANE_Select")),
        (Change(45, "A", "C"), "3_prime_utr|ONE|TP1|protein_coding", ("TP1.4:c.*6A>C", "MANE_Select")),
        (Change(60, "T", "C"), "intron|ONE||protein_coding", ("TP2.1:c.1-11T>C", "MANE_Plus_Clinical")),
        (Change(85, "A", ""), "frameshift|ONE|TP2|protein_coding|+|5K>5N", ("TP2.1:c.15del", "MANE_Plus_Clinical")),
        (Change(136, "T", "G"), "intron|G2||lncRNA", ("LNC.2:n.20+5A>C", "Ensembl_canonical")),
        (Change(151, "", "C"), "non_coding|G2||lncRNA", ("LNC.2:n.11dup", "Ensembl_canonical")),
        (Change(545, "A", "C"), "missense|SIX|LONE.3|protein_coding", ("LONE.3:c.6T>G", "")),
        (Change(100, "T", "C"), "", ("", "")),  # between genes
        (Change(230, "C", "A"), "missense|THREE|NF|protein_coding|-|4L>4P", ("", "")),  # nobody knows c.1
        (Change(85, "ACGTAC", "GG"), "", ("TP2.1:c.15_*5delinsGG", "MANE_Plus_Clinical")),
        (Change(85, "ACGTACGT", "TT"), "", ("", "")),  # reaches out of it
    ],
)
def test_what_is_described_and_on_which_transcript(
    features: Features, sequence: Sequence, change: Change, bcsq: str, expected: tuple[str, str]
) -> None:
    assert sequence.fetch("1", change.pos, change.end) == change.ref
    assert describe(features, partial(sequence.fetch, "1"), "1", change, consequence.parse(bcsq)) == expected


def model(name: str, *flags: str, gene: str = "G", coding: bool = True) -> Model:
    return Model(gene, name, "1", "1", "+", 1, 9, flags, (1, 9) if coding else None, "1-9")


def test_without_flags_it_is_the_transcript_of_the_most_severe_consequence() -> None:
    models = [model("A"), model("B"), model("C"), model("D", coding=False)]
    answers = "synonymous|G|B|protein_coding,missense|G|C|protein_coding,intron|G||protein_coding"

    def name(bcsq: str, among: list[Model] = models) -> str:
        found = chosen(among, consequence.parse(bcsq))
        return found.name if found else ""

    assert name(answers) == "C"
    # An intron of the gene is one of the transcripts that csq does not name: A or D, of which A codes.
    assert name("intron|G||protein_coding") == "A"
    assert name("intron|G||protein_coding,synonymous|G|B|protein_coding") == "B"
    assert name("intron|H||protein_coding", [*models, model("Z", gene="H")]) == "Z"
    assert name("", [model("E", coding=False), model("F")]) == "F"
    assert name("", []) == ""


def test_flags_have_their_order_and_severity_decides_between_equals() -> None:
    everyone = [model("A"), model("B", FLAGS[2]), model("C", FLAGS[1]), model("D", FLAGS[0])]
    for last in ("D", "C", "B", "A"):
        found = chosen(everyone, consequence.parse("stop_gained|G|A|protein_coding"))
        assert found
        assert found.name == last
        everyone.pop()
    two = [model("D", FLAGS[0]), model("X", FLAGS[0], gene="H")]
    found = chosen(two, consequence.parse("synonymous|G|D|protein_coding,stop_gained|H|X|protein_coding"))
    assert found
    assert found.name == "X"


def crowded(data: st.DataObject) -> Features:
    rows = ["gene\t1\t120\t+\tprotein_coding\tG\t"]
    for number in range(data.draw(st.integers(0, 5))):
        start = data.draw(st.integers(1, 100))
        end = start + data.draw(st.integers(0, 20))
        exons, coding = [(start, end)], None
        if end - start > 3:
            exons = [(start, start + 1), (end - 1, end)]
            coding = data.draw(st.sampled_from([None, (start, end), (start + 1, end - 1)]))
        flags = data.draw(st.sampled_from([(), *((flag,) for flag in FLAGS)]))
        text = ",".join(f"{first}-{last}" for first, last in exons) if data.draw(st.integers(0, 5)) else ""
        strand = data.draw(st.sampled_from("+-"))
        rows.append(row(Model("G", f"T{number}", "2", "1", strand, start, end, flags, coding, text)))
    return Features.of_table("1", rows)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_between_edges_the_same_transcript_is_chosen(data: st.DataObject) -> None:
    """On contigs full of transcripts that overlap, for a place of one base or of several."""
    features = crowded(data)
    names = [one.name for one in features.models("1", 1, 200)]
    answers = consequence.parse(",".join(f"{word}|G|{name}|protein_coding" for word, name in answered(data, names)))
    cuts = sorted(edges(features.models("1", 1, 200)) | {1, 200})
    for first, following in pairwise(cuts):
        start = data.draw(st.integers(first, following - 1))
        end = data.draw(st.integers(start, following - 1))
        whole = chosen(features.models("1", first, first), answers)
        assert chosen(features.models("1", start, end), answers) == whole


def answered(data: st.DataObject, names: list[str]) -> list[tuple[str, str]]:
    words = st.sampled_from(["missense", "synonymous", "stop_gained"])
    return [(data.draw(words), name) for name in names if data.draw(st.booleans())]


def test_edges_are_where_another_transcript_comes_to_matter() -> None:
    def at(start: int, end: int, *flags: str) -> Model:
        return Model("G", f"T{start}", "", "1", "+", start, end, flags)

    assert edges([at(11, 50, FLAGS[0]), at(1, 100), at(21, 30, FLAGS[2]), at(41, 60, FLAGS[2])]) == {1, 11, 51, 61, 101}
    assert edges([at(1, 100), at(21, 30)]) == {1, 21, 31, 101}
    assert edges([]) == set()
