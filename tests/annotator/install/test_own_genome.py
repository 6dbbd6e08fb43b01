"""A pack of one's own genome: FASTA and gene models of any usual style, without a network."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annotator.install.__main__ import main
from annotator.install.errors import InstallError
from annotator.install.gene_models import check
from annotator.install.own import Done, OwnGenome, install_own
from annotator.references import Reference, load_reference
from tests.support import gene_styles
from tests.support.genome import Gene, Genome, fasta, gff3

Style = Callable[[Gene], Iterator[str]]


@pytest.fixture
def files(tmp_path: Path, genome: Genome) -> Path:
    (tmp_path / "genome.fa").write_text(fasta(genome))
    (tmp_path / "genes.gff3").write_text(gff3(genome))
    return tmp_path


def installed(files: Path, text: str = "", **how: object) -> tuple[Done, Reference]:
    """Install with these gene models instead of genes.gff3, and load the pack."""
    if text:
        (files / "genes.gff3").write_text(text)
    done = install_own(OwnGenome("mine", files / "genome.fa", files / "genes.gff3", **how), files / "packs")  # type: ignore[arg-type]
    return done, load_reference("mine", files / "packs")


def refusal(files: Path, text: str = "", **how: object) -> str:
    with pytest.raises(InstallError) as caught:
        installed(files, text, **how)
    assert not (files / "packs" / "mine").exists()
    return caught.value.message


def rows(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("style", gene_styles.STYLES.values(), ids=gene_styles.STYLES)
def test_every_style_gives_the_same_genes_and_proteins(files: Path, genome: Genome, style: Style) -> None:
    done, reference = installed(files, gene_styles.text(genome, style))

    assert done.genes == len(genome.genes)
    assert not done.counts.left_out
    for gene in genome.genes.values():
        (model,) = reference.features.models(gene.contig, gene.start, gene.end)
        assert (model.gene, model.strand, model.start, model.end) == (gene.name, gene.strand, gene.start, gene.end)
        if gene.protein:
            assert reference.protein(model.name, gene.contig) == gene.protein
            assert model.coding == (min(gene.places), max(gene.places))
        if gene.contig != "MT":
            assert (model.name, model.version, model.flag) == (gene.transcript, "2", "MANE_Select")
            assert model.spans == tuple(gene.exons)


def test_plain_and_packed_files_make_the_same_pack(files: Path, genome: Genome) -> None:
    installed(files)
    for name in ("genome.fa", "genes.gff3"):
        (files / f"{name}.gz").write_bytes(gzip.compress((files / name).read_bytes()))
    install_own(OwnGenome("packed", files / "genome.fa.gz", files / "genes.gff3.gz"), files / "packs")

    for name in ("genome.fa.gz", "genes.gff3.gz", "features.tsv.gz", "genes.index"):
        assert (files / "packs/mine" / name).read_bytes() == (files / "packs/packed" / name).read_bytes()


def test_the_manifest_names_the_files_and_no_folder(files: Path) -> None:
    installed(files, organism="Mus musculus")
    manifest = json.loads((files / "packs/mine/manifest.json").read_text())

    assert [source["url"] for source in manifest["sources"]] == ["genome.fa", "genes.gff3"]
    assert str(files) not in (files / "packs/mine/manifest.json").read_text()
    assert (manifest["organism"], manifest["version"]) == ("Mus musculus", "own files")


EXON = "1\tt\texon\t{}\t{}\t.\t+\t.\tParent=transcript:T"
CODING = "1\tt\tCDS\t{}\t{}\t.\t+\t{}\tParent=transcript:T"
GENE = rows(
    "1\tt\tgene\t101\t400\t.\t+\t.\tID=gene:G;Name=G;biotype=protein_coding",
    "1\tt\tmRNA\t101\t400\t.\t+\t.\tID=transcript:T;Parent=gene:G;biotype=protein_coding",
)


def test_phases_that_do_not_fit_follow_from_the_first(files: Path) -> None:
    parts = rows(EXON.format(101, 200), EXON.format(301, 400), CODING.format(150, 200, 0), CODING.format(301, 350, 0))
    done, reference = installed(files, GENE + parts.replace("\t301\t350\t.\t+\t0", "\t301\t350\t.\t+\t1"))

    assert done.counts.repaired == {check.PHASES: 1}
    transcript = reference.features.transcript("T", "1")
    assert transcript is not None
    assert transcript.segments == [(150, 200), (301, 350)]


def test_exons_follow_from_coding_parts_and_utrs_where_the_file_has_none(files: Path) -> None:
    utr = "1\tt\tfive_prime_UTR\t101\t149\t.\t+\t.\tParent=transcript:T"
    done, reference = installed(files, GENE + rows(utr, CODING.format(150, 200, 0), CODING.format(301, 400, 0)))

    assert done.counts.repaired == {check.EXONS: 1}
    assert reference.features.models("1", 101, 400)[0].spans == ((101, 200), (301, 400))


def test_a_row_with_two_parents_belongs_to_both(files: Path) -> None:
    second = "1\tt\tmRNA\t101\t400\t.\t+\t.\tID=transcript:U;Parent=gene:G;biotype=protein_coding\n"
    parts = rows(EXON.format(101, 200), CODING.format(101, 199, 0)).replace("transcript:T", "transcript:T,transcript:U")
    done, reference = installed(files, GENE + second + parts)

    assert done.counts.transcripts == 2
    assert {model.name for model in reference.features.models("1", 150, 150)} == {"T", "U"}
    assert all(model.coding == (101, 199) for model in reference.features.models("1", 150, 150))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (rows(EXON.format(101, 200), EXON.format(150, 300)), check.OVERLAPPING),
        (rows(EXON.format(101, 200), CODING.format(150, 230, 0)), check.OUTSIDE),
    ],
)
def test_what_cannot_be_used_is_counted(files: Path, genome: Genome, parts: str, reason: str) -> None:
    done, _ = installed(files, gff3(genome) + GENE.replace("1\tt", "MT\tt") + parts.replace("1\tt", "MT\tt"))

    assert done.counts.left_out == {reason: 1}
    assert f"1 of {done.counts.transcripts:,} transcripts left out: {reason}." in done.lines()


def test_rows_of_other_contigs_are_counted(files: Path, genome: Genome) -> None:
    done, _ = installed(files, gff3(genome) + GENE.replace("1\tt", "unplaced_1\tt"))

    assert done.other_contigs == {"unplaced_1": 2}
    assert "2 rows left out: the FASTA file has no sequence unplaced_1." in done.lines()


def test_an_assembly_report_tells_other_names_of_contigs(files: Path, genome: Genome) -> None:
    report = files / "report.txt"
    report.write_text("1\tassembled-molecule\t1\tChromosome\tCM1.1\t=\tNC_000901.1\tPrimary\t60000\tchr1\n")
    text = gene_styles.text(genome, gene_styles.refseq_gff3).replace("\n1\t", "\nNC_000901.1\t")
    done, reference = installed(files, text, report=report)

    assert not done.other_contigs
    assert reference.canonical("NC_000901.1") == "1"
    assert reference.features.names("1", genome.genes["GEN1"].start, genome.genes["GEN1"].start) == ["GEN1"]


def test_mane_comes_from_its_own_file(files: Path) -> None:
    mane = files / "mane.txt.gz"
    mane.write_bytes(
        gzip.compress(b"#GeneID\tRefSeq_nuc\tEnsembl_nuc\tMANE_status\n1\tNM_1.1\tTEST00000000001.7\tMANE Select\n")
    )
    _, reference = installed(files, mane=mane)

    (model,) = reference.features.models("1", 10_000, 10_000)
    assert model.flags == ("MANE_Select", "Ensembl_canonical")


def test_a_genetic_code_is_chosen_by_contig(files: Path) -> None:
    assert "code 99" in refusal(files, codes={"1": 99})
    _, reference = installed(files, codes={"2": 11})
    assert [reference.genetic_code_of(name) for name in ("1", "2", "MT")] == [1, 11, 2]


def test_errors_name_the_file_the_line_and_a_remedy(files: Path) -> None:
    assert refusal(files, "1\tx\n").startswith("genes.gff3, line 1, has 2 columns")
    assert "line 2, ends before it starts (9-3)" in refusal(files, "#\n1\tt\tgene\t9\t3\t.\t+\t.\tID=g\n")
    again = GENE + GENE.replace("1\tt", "2\tt") + GENE
    assert "comes again after others. Sort the file by contig" in refusal(files, again)
    assert "assembly report" in refusal(files, GENE.replace("1\tt", "NC_1\tt"))


def test_a_name_is_given_once(files: Path) -> None:
    installed(files)
    with pytest.raises(InstallError, match="There is a pack mine already"):
        installed(files)
    with pytest.raises(InstallError, match="built in"):
        install_own(OwnGenome("rCRS", files / "genome.fa", files / "genes.gff3"), files / "packs")


def test_the_command_says_what_it_did(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--fasta", str(files / "genome.fa"), "--genes", str(files / "genes.gff3")]
    assert main(["mine", *where, "--references-dir", str(files / "packs"), "--genetic-code", "MT=2"]) == 0
    assert capsys.readouterr().out == "Installed mine: 6 genes.\n"
    assert main(["other", *where, "--references-dir", str(files / "packs"), "--genetic-code", "MT"]) == 2
    assert "--genetic-code is CONTIG=N" in capsys.readouterr().err
