"""Mature products of microRNAs, from the rows of a person's gene models to the terms of a result."""

from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.effects.transcript import Span, Transcript
from annotator.errors import EngineError
from annotator.install.gene_models.build import genes_of
from annotator.install.gene_models.rows import read_row
from annotator.install.own import OwnGenome, install_own
from annotator.reference.gene_table import record_of
from annotator.reference.pack import FORMAT, Reference, load_reference
from tests.support.genome import Genome, fasta, gff3
from tests.support.small_vcfs import Annotate, vcf

#: The hairpin, and its products at its 5' and its 3' end.
HAIRPIN, PRODUCTS = (1001, 1080), ((1006, 1027), (1052, 1073))


def row(kind: str, span: tuple[int, int], strand: str, tags: str) -> str:
    return f"1\tmade\t{kind}\t{span[0]}\t{span[1]}\t.\t{strand}\t.\t{tags}\n"


def refseq_gff3(strand: str) -> str:
    """As in NCBI's GFF3: a product is a row of type miRNA below the hairpin, with an exon of its own."""
    text = row("gene", HAIRPIN, strand, "ID=gene-MIR1;Name=MIR1;gene_biotype=miRNA")
    text += row("primary_transcript", HAIRPIN, strand, "ID=rna-NR_1.1;Parent=gene-MIR1;transcript_id=NR_1.1")
    text += row("exon", HAIRPIN, strand, "ID=exon-NR_1.1-1;Parent=rna-NR_1.1")
    for number, span in enumerate(PRODUCTS):
        text += row("miRNA", span, strand, f"ID=rna-MIR1-{number};Parent=rna-NR_1.1;gbkey=ncRNA;product=miR-1")
        text += row("exon", span, strand, f"ID=exon-MIR1-{number};Parent=rna-MIR1-{number}")
    return text


def refseq_gtf(strand: str) -> str:
    """As in NCBI's GTF: a product is a transcript of the gene, without a name of its own."""

    def transcript(span: tuple[int, int], name: str, biotype: str) -> str:
        own = f'gene_id "MIR1"; transcript_id "{name}"; gene "MIR1";'
        return row("transcript", span, strand, f'{own} transcript_biotype "{biotype}";') + row(
            "exon", span, strand, own
        )

    text = row("gene", HAIRPIN, strand, 'gene_id "MIR1"; transcript_id ""; gene "MIR1"; gene_biotype "miRNA";')
    text += transcript(HAIRPIN, "NR_1.1", "primary_transcript")
    return text + "".join(transcript(span, "unknown_transcript_1", "miRNA") for span in PRODUCTS)


def flybase_gff3(strand: str) -> str:
    """Hairpin and products are transcripts of one gene."""
    text = row("gene", HAIRPIN, strand, "ID=MIR1;Name=MIR1;biotype=miRNA")
    text += row("pre_miRNA", HAIRPIN, strand, "ID=NR_1.1;Parent=MIR1")
    return text + "".join(
        row("miRNA", span, strand, f"ID=MIR1-{number};Parent=MIR1") for number, span in enumerate(PRODUCTS)
    )


def installed(folder: Path, genome: Genome, genes: str) -> Reference:
    (folder / "genome.fa").write_text(fasta(genome))
    (folder / "genes").write_text(genes)
    install_own(OwnGenome("mine", folder / "genome.fa", folder / "genes"), folder / "packs")
    return load_reference("mine", folder / "packs")


def products(genes: str) -> dict[str, list[Span]]:
    """Return the mature products of each transcript."""
    rows = [row for number, line in enumerate(genes.splitlines(), 1) if (row := read_row(line, number, "genes"))]
    return {one.name: one.mature for gene in genes_of(rows) for one in gene.transcripts}


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("style", [refseq_gff3, refseq_gtf, flybase_gff3])
def test_products_belong_to_their_hairpin(style: Callable[[str], str], strand: str) -> None:
    assert products(style(strand)) == {"NR_1.1": list(PRODUCTS)}


def test_a_variant_in_a_product_is_called_so(tmp_path: Path, genome: Genome, run: Annotate) -> None:
    reference = installed(tmp_path, genome, refseq_gff3("-"))
    bases = {pos: genome.sequences["1"][pos - 1] for pos in (1005, 1006, 1027, 1028, 1073, 1074)}
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    (model,) = reference.gene_models.transcripts("1", *HAIRPIN)
    assert (model.exons, model.mature) == ((HAIRPIN,), PRODUCTS)
    result = run(vcf(*(f"1 {pos} . {ref} {other[ref]}" for pos, ref in bases.items())), reference=reference)

    rest, mature = "non_coding_transcript_exon_variant", "mature_miRNA_variant"
    assert [result.info(number)["GAS_CSQ"] for number in range(6)] == [rest, mature, mature, rest, mature, rest]
    fields = result.info(1)["CSQ"].split("|")
    assert fields[1:8] == [mature, "MODIFIER", "MIR1", "MIR1", "Transcript", "NR_1.1", "miRNA"]


def test_ensembls_rows_of_type_mirna_are_transcripts() -> None:
    """They are whole hairpins; Ensembl and GENCODE do not write where the products are."""
    text = row("ncRNA_gene", HAIRPIN, "+", "ID=gene:E1;Name=MIR1;biotype=miRNA")
    text += row("miRNA", HAIRPIN, "+", "ID=transcript:ENST1;Parent=gene:E1;biotype=miRNA")
    text += row("miRNA", PRODUCTS[0], "+", "ID=transcript:ENST2;Parent=gene:E1;biotype=miRNA")
    assert products(text) == {"ENST1": [], "ENST2": []}


def test_a_product_outside_of_a_hairpin_stays_a_transcript() -> None:
    text = refseq_gff3("+").replace("\t1052\t1073\t", "\t1070\t1091\t")
    assert products(text) == {"NR_1.1": [PRODUCTS[0]], "MIR1-1": []}


def test_a_table_without_the_column_of_products_is_read(tmp_path: Path, genome: Genome) -> None:
    """As in packs of format 3."""
    installed(tmp_path, genome, refseq_gff3("+"))
    (row_text,) = [line for line in (tmp_path / "packs/mine/genes.tsv").read_text().splitlines() if "NR_1.1" in line]
    now, before = (record_of(text, "1", 1) for text in (row_text, row_text.rpartition("\t")[0]))

    assert isinstance(now, Transcript)
    assert isinstance(before, Transcript)
    assert (now.mature, before.mature) == (PRODUCTS, ())
    assert before.flags == now.flags


def test_a_pack_of_a_later_format_is_refused(tmp_path: Path, genome: Genome) -> None:
    installed(tmp_path, genome, gff3(genome))
    manifest = tmp_path / "packs/mine/manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT},', f'"format": {FORMAT + 1},'))

    with pytest.raises(EngineError, match="made by a later version of the annotator"):
        load_reference("mine", tmp_path / "packs")
