"""A pack of one's own genome: FASTA and gene models of any usual style, without a network."""

import gzip
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.effects.allele import Change
from annotator.effects.effect import effect
from annotator.install.__main__ import main
from annotator.install.errors import InstallError
from annotator.install.gene_models import check
from annotator.install.own import Done, OwnGenome, install_own
from annotator.reference.pack import Reference, load_reference
from tests.annotator.packs import genetic_codes
from tests.support import gene_styles
from tests.support.genome import WHOLE, Gene, Genome, fasta, gff3
from tests.support.proteins import protein

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


@pytest.mark.parametrize(
    ("organism", "title"),
    [("", "mine (own files)"), ("E. coli K-12 MG1655", "E. coli K-12 MG1655 mine (own files)")],
)
def test_a_pack_is_called_by_what_is_known(files: Path, genome: Genome, organism: str, title: str) -> None:
    _, reference = installed(files, gene_styles.text(genome, gene_styles.refseq_gff3), organism=organism)
    assert (reference.title, reference.organism) == (title, organism)


@pytest.mark.parametrize("style", ["refseq.gff3", "ensembl.gtf"])
def test_the_build_that_the_gene_models_name_is_kept_and_shown(files: Path, genome: Genome, style: str) -> None:
    text = gene_styles.text(genome, gene_styles.STYLES[style])
    facts = "#!genome-build GRCh38.p14\n#!annotation-date 10/02/2023\n"
    _, reference = installed(files, text.replace("\n", f"\n{facts}", 1), organism="Homo sapiens")

    assert manifest_of(files)["annotation"] == {"annotation-date": "10/02/2023", "genome-build": "GRCh38.p14"}
    assert reference.title == "Homo sapiens mine (GRCh38.p14, own files)"
    assert reference.description.startswith("GRCh38.p14: ")


def rows(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("style", gene_styles.STYLES.values(), ids=gene_styles.STYLES)
def test_every_style_gives_the_same_genes_and_proteins(files: Path, genome: Genome, style: Style) -> None:
    done, reference = installed(files, gene_styles.text(genome, style))

    assert done.genes == len(genome.genes)
    assert not done.counts.left_out
    for gene in genome.genes.values():
        (model,) = reference.gene_models.transcripts(gene.contig, gene.start, gene.end)
        assert (model.gene, model.strand, model.start, model.end) == (gene.name, gene.strand, gene.start, gene.end)
        if gene.protein:
            assert protein(reference, gene.contig, model.name) == gene.protein
            assert model.coding == (min(gene.places), max(gene.places))
        if gene.contig != "MT":
            assert (model.name, model.flag) == (f"{gene_styles.transcript(gene)}.2", "MANE_Select")
            assert model.exons == tuple(gene.exons)


def test_plain_and_packed_files_make_the_same_pack(files: Path, genome: Genome) -> None:
    installed(files)
    for name in ("genome.fa", "genes.gff3"):
        (files / f"{name}.gz").write_bytes(gzip.compress((files / name).read_bytes()))
    install_own(OwnGenome("packed", files / "genome.fa.gz", files / "genes.gff3.gz"), files / "packs")

    for name in ("genome.fa.gz", "genes.gff3.gz", "genes.tsv", "genes.tsv.index"):
        assert (files / "packs/mine" / name).read_bytes() == (files / "packs/packed" / name).read_bytes()


def test_the_manifest_names_the_files_and_no_folder(files: Path) -> None:
    installed(files, organism="Mus musculus")
    manifest = manifest_of(files)

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
    (transcript,) = reference.gene_models.transcripts("1", 101, 400)
    assert (transcript.coding, transcript.phase, transcript.is_consistent) == ((150, 350), 0, True)


def test_exons_follow_from_coding_parts_and_utrs_where_the_file_has_none(files: Path) -> None:
    utr = "1\tt\tfive_prime_UTR\t101\t149\t.\t+\t.\tParent=transcript:T"
    done, reference = installed(files, GENE + rows(utr, CODING.format(150, 200, 0), CODING.format(301, 400, 0)))

    assert done.counts.repaired == {check.EXONS: 1}
    assert reference.gene_models.transcripts("1", 101, 400)[0].exons == ((101, 200), (301, 400))


def test_a_row_with_two_parents_belongs_to_both(files: Path) -> None:
    second = "1\tt\tmRNA\t101\t400\t.\t+\t.\tID=transcript:U;Parent=gene:G;biotype=protein_coding\n"
    parts = rows(EXON.format(101, 200), CODING.format(101, 199, 0)).replace("transcript:T", "transcript:T,transcript:U")
    done, reference = installed(files, GENE + second + parts)

    assert done.counts.transcripts == 2
    assert {model.name for model in reference.gene_models.transcripts("1", 150, 150)} == {"T", "U"}
    assert all(model.coding == (101, 199) for model in reference.gene_models.transcripts("1", 150, 150))


def test_a_gene_without_transcripts_is_kept_as_one_exon(files: Path) -> None:
    """NCBI's pseudogenes have no transcripts, and some transcripts have no exons."""
    pseudogene = "1\tt\tpseudogene\t501\t600\t.\t-\t.\tID=gene-P;Name=P;gene_biotype=pseudogene"
    done, reference = installed(files, rows(pseudogene) + GENE)

    assert (done.genes, done.counts.transcripts) == (2, 2)
    (found,) = reference.gene_models.transcripts("1", 501, 600)
    assert (found.gene, found.biotype, found.strand, found.exons) == ("P", "pseudogene", "-", ((501, 600),))
    assert [gene.kind for gene in reference.gene_models.genes("1", 1, 1_000)] == ["gene", "pseudogene"]


def test_the_identifier_of_a_protein_is_kept(files: Path) -> None:
    coding = CODING.format(101, 199, 0) + ";protein_id=NP_1.2"
    _, reference = installed(files, GENE + rows(EXON.format(101, 200), coding))

    assert [one.protein_id for one in reference.gene_models.transcripts("1", 101, 400)] == ["NP_1.2"]


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


@pytest.mark.parametrize("second", [200, 202])  # a base that is read twice, and one that is not read
def test_a_reading_frame_that_slips_has_terms_and_no_hgvs(files: Path, second: int) -> None:
    """As RefSeq writes PEG10 and OAZ1: two coding parts in one exon."""
    slip = ";exception=ribosomal slippage"
    parts = rows(EXON.format(101, 400), CODING.format(110, 200, 0) + slip, CODING.format(second, 390, 2) + slip)
    done, reference = installed(files, GENE + parts)

    (transcript,) = reference.gene_models.transcripts("1", 101, 400)
    bases = reference.sequence.fetch("1", 1, 400)
    for pos in (120, 200, 300):
        found = effect(Change(pos, bases[pos - 1], ""), transcript, lambda start, end: bases[start - 1 : end])
        assert found is not None
        assert (found.terms, found.hgvs_c, found.hgvs_p) == (("coding_sequence_variant",), "", "")
    assert done.lines()[1].startswith("No HGVS for 1 of 1 transcripts, whose coding parts overlap or leave bases out")


STRANDS = rows(EXON.format(101, 200), EXON.format(301, 400).replace("+", "-"), CODING.format(101, 199, 0))
BEYOND = rows(EXON.format(101, 99_000))


@pytest.mark.parametrize(("parts", "reason"), [(STRANDS, check.BOTH_STRANDS), (BEYOND, check.BEYOND_END)])
def test_parts_on_two_strands_or_beyond_the_end_are_left_out(
    files: Path, genome: Genome, parts: str, reason: str
) -> None:
    done, _ = installed(files, gff3(genome) + (GENE + parts).replace("1\tt", "MT\tt"))

    assert done.counts.left_out == {reason: 1}


def gtf(kind: str, start: int, end: int, tags: str, strand: str = "+") -> str:
    return f"1\tt\t{kind}\t{start}\t{end}\t.\t{strand}\t0\t{tags}\n"


def test_a_gtf_without_rows_of_transcripts_has_coding_transcripts(files: Path) -> None:
    tags = 'gene_id "G"; transcript_id "T"; gene_biotype "protein_coding";'
    _, reference = installed(files, gtf("exon", 101, 400, tags) + gtf("CDS", 151, 300, tags))

    assert "biotype=protein_coding;transcript_id=T" in packed(files)
    assert reference.gene_models.transcripts("1", 200, 200)[0].coding == (151, 300)


def test_genes_without_transcripts_stay_apart_in_ncbis_gtf(files: Path) -> None:
    one, two = (
        'gene_id "ND1"; transcript_id "unknown_transcript_1";',
        'gene_id "ND6"; transcript_id "unknown_transcript_1";',
    )
    _, reference = installed(files, gtf("CDS", 101, 400, one) + gtf("CDS", 501, 800, two, "-"))

    models = [reference.gene_models.transcripts("1", place, place)[0] for place in (200, 600)]
    assert [(model.gene, model.name, model.strand) for model in models] == [("ND1", "ND1", "+"), ("ND6", "ND6", "-")]


def test_a_gene_and_its_transcript_may_have_one_name_in_a_gtf(files: Path) -> None:
    tags = 'gene_id "YAL001C"; transcript_id "YAL001C";'
    text = gtf("gene", 101, 400, 'gene_id "YAL001C"; gene_name "TFC3";')
    text += gtf("transcript", 101, 400, f'{tags} tag "cds_start_NF";') + gtf("CDS", 101, 400, tags)
    _, reference = installed(files, text)

    (model,) = reference.gene_models.transcripts("1", 200, 200)
    assert (model.gene, model.name) == ("TFC3", "YAL001C")
    assert "tag=cds_start_NF" in packed(files)


def test_a_number_after_a_point_belongs_to_the_name_unless_it_is_a_version(files: Path) -> None:
    parts = GENE.replace("transcript:T", "AT1G01020.1") + GENE.splitlines()[1].replace("transcript:T", "AT1G01020.2")
    exons = "".join(rows(EXON.format(101, 200)).replace("transcript:T", f"AT1G01020.{n}") for n in (1, 2))
    _, reference = installed(files, f"{parts}\n{exons}")

    assert {model.name for model in reference.gene_models.transcripts("1", 150, 150)} == {"AT1G01020.1", "AT1G01020.2"}


def test_other_rows_below_a_gene_are_no_transcripts(files: Path) -> None:
    site = "1\tt\tpolyA_site\t400\t400\t.\t+\t.\tID=pa1;Parent=gene:G"
    done, _ = installed(files, GENE + rows(EXON.format(101, 400), site))

    assert done.counts.transcripts == 1


def test_the_genetic_code_and_what_a_contig_is_come_from_the_file(files: Path, genome: Genome) -> None:
    """RefSeq's mitochondrion has an accession for a name; its rows say what it is."""
    name, gene = "NC_012920.1", genome.genes["GEN9"]
    (files / "genome.fa").write_text(fasta(genome).replace(">MT ", f">{name} "))
    length = len(genome.sequences["MT"])
    region = f"MT\tRefSeq\tregion\t1\t{length}\t.\t+\t.\tID=MT:1..{length};Is_circular=true;genome=mitochondrion\n"
    text = region + "\n".join(gene_styles.refseq_gff3(gene)).replace("gbkey=CDS", "gbkey=CDS;transl_table=2") + "\n"
    _, reference = installed(files, text.replace("MT\t", f"{name}\t"))

    assert (genetic_codes(reference)[name], reference.hgvs_prefix_of(name)) == (2, "m")
    assert protein(reference, name, gene.name) == gene.protein
    assert next(contig.circular for contig in reference.contigs if contig.name == name)


def test_d_loops_and_origins_of_replication_are_named_regions(files: Path, genome: Genome) -> None:
    """As NCBI writes them; the D-loop of a circular contig goes on over its origin, beyond the last base."""
    length = len(genome.sequences["MT"])
    row = "MT\tRefSeq\t{}\t{}\t{}\t.\t+\t.\t{}"
    region = row.format("region", 1, length, f"ID=MT:1..{length};Is_circular=true;genome=mitochondrion")
    loop = row.format("D_loop", length - 9, length + 30, f"ID=id-MT:1..{length};gbkey=D-loop")
    gene = "\n".join(gene_styles.refseq_gff3(genome.genes["GEN9"]))
    origins = rows(
        "1\tRefSeq\torigin_of_replication\t707\t776\t.\t+\t.\tID=id-1:707;Note=ARS102%3B Autonomously Replicating",
        "1\tRefSeq\torigin_of_replication\t900\t950\t.\t.\t.\tID=ori;Note=origin of light strand",
        "1\tRefSeq\torigin_of_replication\t59990\t60010\t.\t+\t.\tID=end;Name=OriE",
    )
    done, reference = installed(files, rows(region, gene, loop) + origins)

    models = reference.gene_models
    parts = [(one.name, one.start, one.end) for one in models.near("MT", WHOLE, WHOLE).regions]
    assert parts == [("D-loop", 1, 30), ("D-loop", length - 9, length)]
    parts = [(one.name, one.start, one.end) for one in models.near("1", WHOLE, WHOLE).regions]
    assert parts == [("ARS102", 707, 776), ("origin of replication", 900, 950), ("OriE", 59_990, 60_000)]
    assert done.genes == sum(contig["genes"] for contig in manifest_of(files)["contigs"]) == 1


def manifest_of(files: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((files / "packs/mine/manifest.json").read_text())
    return manifest


def test_aliases_of_a_contig_come_from_its_row_and_another_length_is_refused(files: Path) -> None:
    row = "1\tt\tchromosome\t1\t60000\t.\t.\t.\tID=chromosome:1;Alias=CM1.1,NC_000001.1\n"
    parts = GENE + rows(EXON.format(101, 400))
    assert "two builds" in refusal(files, row.replace("60000", "59999") + parts)

    _, reference = installed(files, row + parts)
    assert reference.canonical("NC_000001.1") == "1"


def packed(files: Path) -> str:
    return gzip.decompress((files / "packs/mine/genes.gff3.gz").read_bytes()).decode()


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
    assert [one.name for one in reference.gene_models.genes("1", *[genome.genes["GEN1"].start] * 2)] == ["GEN1"]


def test_mane_comes_from_its_own_file(files: Path) -> None:
    mane = files / "mane.txt.gz"
    mane.write_bytes(
        gzip.compress(b"#GeneID\tRefSeq_nuc\tEnsembl_nuc\tMANE_status\n1\tNM_1.1\tTEST00000000001.7\tMANE Select\n")
    )
    _, reference = installed(files, mane=mane)

    (model,) = reference.gene_models.transcripts("1", 10_000, 10_000)
    assert model.flags == ("MANE_Select", "Ensembl_canonical")


def test_a_genetic_code_is_chosen_by_contig(files: Path) -> None:
    assert "code 99" in refusal(files, codes={"1": 99})
    assert "no sequence chr9 (--genetic-code)" in refusal(files, codes={"chr9": 2})
    _, reference = installed(files, codes={"2": 11})
    assert [genetic_codes(reference)[name] for name in ("1", "2", "MT")] == [1, 11, 2]


def test_errors_name_the_file_the_line_and_a_remedy(files: Path) -> None:
    assert refusal(files, "1\tx\n").startswith("genes.gff3, line 1, has 2 columns")
    assert "line 2, ends before it starts (9-3)" in refusal(files, "#\n1\tt\tgene\t9\t3\t.\t+\t.\tID=g\n")
    again = GENE + GENE.replace("1\tt", "2\tt") + GENE
    assert "comes again after others. Sort the file by contig" in refusal(files, again)
    assert "assembly report" in refusal(files, GENE.replace("1\tt", "NC_1\tt"))


@pytest.mark.parametrize("packing", [gzip.compress, bytes])
def test_enough_room_is_asked_for(
    files: Path, monkeypatch: pytest.MonkeyPatch, packing: Callable[[bytes], bytes]
) -> None:
    """A small genome with many genes: the table of genes takes more room than the file that it is made of."""
    rng, lines = random.Random(1), ["##gff-version 3"]  # noqa: S311 - nothing secret
    for start in range(100, 40_000, 100):
        edges = [start + at for at in sorted(rng.sample(range(90), 6))]
        gene = Gene(rng.randrange(10**11), "1", "+", "lncRNA", list(zip(edges[::2], edges[1::2], strict=True)))
        lines += gene_styles.gencode_gff3(gene)
    (files / "genome.fa").write_bytes(packing((files / "genome.fa").read_bytes()))
    (files / "genes.gff3").write_bytes(packing("\n".join(lines).encode()))
    wanted, usage = OwnGenome("mine", files / "genome.fa", files / "genes.gff3"), shutil.disk_usage(files)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(InstallError, match="bytes more are needed") as caught:
        install_own(wanted, files / "packs")
    asked = int(re.findall(r"([\d,]+) bytes more", caught.value.message)[0].replace(",", ""))
    monkeypatch.undo()

    install_own(wanted, files / "packs")

    size = sum(path.stat().st_size for path in (files / "packs/mine").iterdir())
    assert size < asked < 3 * size


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
