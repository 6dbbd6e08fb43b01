"""Gene models read from GFF3: real fragments, and what old or unusual files have."""

from dataclasses import fields
from pathlib import Path

import pytest

from annotator.effects.genes import Gene, Models, Region
from annotator.effects.transcript import Transcript
from annotator.reference.gff3 import read_gff3
from tests.support import gene_models
from tests.support.genome import WHOLE
from tests.support.gff3_files import FILES, RCRS

#: What tests.support.gene_models reads, too.
READ = {"biotype", "strand", "exons", "coding", "phase", "start_known", "end_known", "genetic_code", "is_consistent"}


def read(folder: Path, *rows: str) -> Models:
    """Read rows of contig 1, whose columns are type, start, end, strand, phase and attributes."""
    lines = ["##gff-version 3"]
    for row in rows:
        kind, start, end, strand, phase, tags = row.split(" ", 5)
        lines.append("\t".join(("1", "made", kind, start, end, ".", strand, phase, tags)))
    path = folder / "genes.gff3"
    path.write_text("\n".join(lines) + "\n")
    return read_gff3(path, {"1": 1}).near("1", WHOLE, WHOLE)


def only(folder: Path, *rows: str) -> Transcript:
    (found,) = read(folder, *rows).transcripts
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_transcripts_are_those_of_a_plain_reader(path: Path) -> None:
    code = 2 if path == RCRS else 1
    expected = gene_models.read_transcripts(path, code)
    models = read_gff3(path, dict.fromkeys(expected, code))
    for contig, transcripts in expected.items():
        ours = {one.name: one for one in models.near(contig, WHOLE, WHOLE).transcripts}
        assert len(ours) == len(transcripts)
        for one in transcripts:
            (found,) = (ours[name] for name in ours if name == one.name or name.rpartition(".")[0] == one.name)
            assert found.gene_id == one.gene
            assert {name: getattr(found, name) for name in READ} == {name: getattr(one, name) for name in READ}


def test_all_that_a_row_says_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "gene 101 400 - . ID=gene:G1;Name=ABC%2C1;biotype=protein_coding;description=made%3B%09for tests",
        "mRNA 101 400 - . ID=transcript:T1;Parent=gene:G1;biotype=nonsense_mediated_decay;version=7;"
        "tag=basic,Ensembl_canonical,MANE_Select,cds_start_NF,cds_end_NF",
        "exon 301 400 - . Parent=transcript:T1",
        "CDS 301 390 - 2 ID=CDS:P1;Parent=transcript:T1;protein_id=P1",
        "exon 101 200 - . Parent=transcript:T1",
        "CDS 150 200 - 1 ID=CDS:P1;Parent=transcript:T1;protein_id=P1",
        "D_loop 5 90 . . ID=x;Name=D-loop",
    )
    assert found.genes == [Gene("ABC,1", "G1", "gene", "1", 101, 400, "-", "protein_coding", "made; for tests")]
    assert found.regions == [Region("D-loop", 5, 90)]
    (transcript,) = found.transcripts
    assert {field.name: getattr(transcript, field.name) for field in fields(transcript)} == {
        "name": "T1.7",
        "gene": "ABC,1",
        "biotype": "nonsense_mediated_decay",
        "strand": "-",
        "exons": ((101, 200), (301, 400)),
        "coding": (150, 390),
        "phase": 2,
        "start_known": False,
        "end_known": False,
        "genetic_code": 1,
        "gene_id": "G1",
        "protein_id": "P1",
        "flags": ("MANE_Select", "Ensembl_canonical"),
        "mature": (),
        "is_consistent": True,
    }


@pytest.mark.parametrize("kind", ["lincRNA_gene", "J_gene_segment", "processed_transcript", "bidirectional_promoter"])
def test_genes_of_old_types_are_genes(tmp_path: Path, kind: str) -> None:
    found = read(
        tmp_path,
        f"{kind} 1 90 + . ID=gene:G1;Name=A;biotype=x",
        f"{kind} 1 90 + . ID=transcript:T1;Parent=gene:G1;biotype=x",
        f"{kind} 200 290 + . ID=G2;Name=B",
        f"{kind} 200 290 + . ID=transcript:T2;Parent=G2",
    )
    assert [(gene.name, gene.gene_id, gene.kind) for gene in found.genes] == [("A", "G1", kind), ("B", "G2", kind)]
    assert [(one.name, one.gene, one.gene_id) for one in found.transcripts] == [("T1", "A", "G1"), ("T2", "B", "G2")]


def test_a_gene_without_a_row_follows_from_its_transcripts(tmp_path: Path) -> None:
    """So a variant near it is upstream or downstream of it, and one in it has a gene."""
    found = read(
        tmp_path,
        "mRNA 101 190 - . ID=transcript:A;Parent=gene:G;biotype=protein_coding",
        "mRNA 121 290 - . ID=transcript:B;Parent=gene:G;biotype=protein_coding",
        "tRNA 301 390 + . ID=transcript:C;biotype=tRNA",
    )
    assert found.genes == [
        Gene("G", "G", "gene", "1", 101, 290, "-", "protein_coding", ""),
        Gene("C", "C", "gene", "1", 301, 390, "+", "tRNA", ""),
    ]
    assert [(one.name, one.gene, one.gene_id) for one in found.transcripts] == [
        ("A", "G", "G"),
        ("B", "G", "G"),
        ("C", "C", "C"),
    ]


def test_a_gene_without_transcripts_is_its_own(tmp_path: Path) -> None:
    silent = only(tmp_path, "pseudogene 11 90 - . ID=gene:G1;Name=A;biotype=pseudogene;version=3")
    assert (silent.name, silent.gene, silent.exons, silent.coding) == ("G1", "A", ((11, 90),), None)
    coding = only(tmp_path, "gene 11 90 + . ID=gene:G1;Name=A", "CDS 11 40 + 0 Parent=gene:G1;protein_id=P")
    assert (coding.name, coding.exons, coding.coding, coding.protein_id) == ("G1", ((11, 40),), (11, 40), "P")


TRANSCRIPT = "mRNA 1 90 {} . ID=transcript:T;Parent=gene:G"


def test_without_exons_the_coding_segments_count_else_the_whole(tmp_path: Path) -> None:
    row = TRANSCRIPT.format("+")
    coding = only(tmp_path, row, "CDS 51 80 + 0 Parent=transcript:T", "CDS 11 40 + 0 Parent=transcript:T")
    assert (coding.exons, coding.coding) == (((11, 40), (51, 80)), (11, 80))
    assert only(tmp_path, row).exons == ((1, 90),)


@pytest.mark.parametrize(
    ("exons", "coding", "expected"),
    [
        (["1 90 +"], ["11 40 +", "40 80 +"], ((1, 90),)),  # a slip back by one base
        (["1 90 +"], ["11 40 +", "42 80 +"], ((1, 90),)),  # a slip on by one base
        (["1 50 +", "41 90 +"], ["11 80 +"], ((1, 90),)),  # exons that overlap
        (["1 30 +", "51 90 +"], ["11 40 +", "51 80 +"], ((1, 40), (51, 90))),  # coding bases outside of exons
        (["1 30 +", "51 90 -"], [], ((1, 30), (51, 90))),  # on both strands
        # Exons that share no base stay apart, however near they lie.
        (["1 30 +", "31 50 +", "52 60 +", "70 90 +"], ["11 20 +", "20 30 +"], ((1, 30), (31, 50), (52, 60), (70, 90))),
        (["1 30 +", "51 90 +"], ["11 30 -", "51 60 -"], ((1, 30), (51, 90))),
    ],
)
def test_what_does_not_fit_is_marked(
    tmp_path: Path, exons: list[str], coding: list[str], expected: tuple[tuple[int, int], ...]
) -> None:
    rows = [f"exon {one} . Parent=transcript:T" for one in exons] + [
        f"CDS {one} 0 Parent=transcript:T" for one in coding
    ]
    found = only(tmp_path, TRANSCRIPT.format("+"), *rows)
    assert (found.exons, found.is_consistent) == (expected, False)


def test_a_part_of_several_transcripts_belongs_to_each(tmp_path: Path) -> None:
    rows = [f"mRNA 1 90 + . ID=transcript:{name};Parent=gene:G" for name in "AB"]
    found = read(tmp_path, *rows, "exon 11 40 + . Parent=transcript:A,transcript:B")
    assert [(one.name, one.exons) for one in found.transcripts] == [("A", ((11, 40),)), ("B", ((11, 40),))]
