"""Vocabulary of Ensembl, GENCODE and NCBI RefSeq: their different names for the same things.

https://www.gencodegenes.org/pages/data_format.html,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/file-formats/annotation-files/about-ncbi-gff3/ and the
README files of Ensembl's gff3 and gtf folders.
"""

from annotator.effects.transcript import NO_END, NO_START
from annotator.install.gene_models.rows import Row

EXON, CODING, STOP_CODON = "exon", "CDS", "stop_codon"
UNTRANSLATED = {"five_prime_UTR", "three_prime_UTR", "five_prime_utr", "three_prime_utr", "UTR", "5UTR", "3UTR"}
#: Rows that repeat what other rows say.
SKIPPED = {"start_codon", "Selenocysteine", "stop_codon_redefined_as_selenocysteine", "intron", "inter", "inter_CNS"}
#: Rows about a contig itself.
CONTIGS = {"chromosome", "supercontig", "scaffold", "contig", "region"}
#: Types of rows that are transcripts even without exons or coding segments.
TRANSCRIPTS = {
    "transcript", "primary_transcript", "pseudogenic_transcript", "aberrant_processed_transcript",
    "processed_transcript", "NMD_transcript_variant", "V_gene_segment", "D_gene_segment", "J_gene_segment",
    "C_gene_segment",
}  # fmt: skip
GENES = {"gene", "ncRNA_gene", "lincRNA_gene", "miRNA_gene", "rRNA_gene", "snRNA_gene", "snoRNA_gene", "tRNA_gene"}
PSEUDOGENES = {"pseudogene", "pseudogenic_gene"}
#: Biotypes of transcripts that have only the type of their row, by that type.
BIOTYPES = {
    "mRNA": "protein_coding",
    "lnc_RNA": "lncRNA",
    "lincRNA": "lincRNA",
    "primary_transcript": "miRNA",
    "ncRNA": "misc_RNA",
    "antisense_RNA": "antisense",
    "guide_RNA": "misc_RNA",
    "vault_RNA": "vault_RNA",
    "Y_RNA": "Y_RNA",
    "NMD_transcript_variant": "nonsense_mediated_decay",
    "V_gene_segment": "IG_V_gene",
    "D_gene_segment": "IG_D_gene",
    "J_gene_segment": "IG_J_gene",
    "C_gene_segment": "IG_C_gene",
}
#: Names of the hairpin of a microRNA, in files with rows for its mature products.
HAIRPINS, MATURE = {"primary_transcript", "pre_miRNA"}, "miRNA"
#: RefSeq's biotypes of immunoglobulin and T cell receptor genes.
SEGMENTS = {
    "C_region": "IG_C_gene",
    "V_segment": "IG_V_gene",
    "D_segment": "IG_D_gene",
    "J_segment": "IG_J_gene",
}
_SELECT = {"MANE Select": "MANE_Select", "MANE Plus Clinical": "MANE_Plus_Clinical"}


def is_gene(row: Row) -> bool:
    """Return whether the row is a gene."""
    return row.kind in GENES or row.kind in PSEUDOGENES


def gene_kind(kind: str, biotype: str) -> str:
    """Return gene, ncRNA_gene or pseudogene, by the type of a gene's row and its biotype."""
    if kind in PSEUDOGENES or "pseudogene" in biotype:
        return "pseudogene"
    coding = biotype in {"", "protein_coding"} or biotype.startswith(("IG_", "TR_"))
    return "gene" if kind == "gene" and coding else "ncRNA_gene"


def gene_name(row: Row, identifier: str) -> str:
    """Return a gene's symbol; its identifier if it has none."""
    return row.first("gene_name", "Name", "gene") or identifier


def gene_biotype(row: Row) -> str:
    """Return a gene's biotype; "" if the row does not give it."""
    found = row.first("biotype", "gene_type", "gene_biotype")
    return SEGMENTS.get(found, found)


def is_transcript(row: Row) -> bool:
    """Return whether the row is a transcript, even if it has no parts."""
    return row.kind in TRANSCRIPTS or row.kind.endswith("RNA")


def transcript_biotype(row: Row) -> str:
    """Return a transcript's biotype from its row or the row's type; "" if neither gives it."""
    own = row.first("biotype", "transcript_type", "transcript_biotype")
    if own:
        return BIOTYPES.get(own, own)
    if row.kind == "transcript" or not is_transcript(row):
        return ""
    return BIOTYPES.get(row.kind, row.kind)


def mirna_word(row: Row) -> str:
    """Return the type of a transcript's row; RefSeq's GTF has it in transcript_biotype."""
    return row.first("transcript_biotype") if row.kind == "transcript" else row.kind


def transcript_name(row: Row, identifier: str) -> tuple[str, str]:
    """Return the transcript's usual identifier, and its version if the row has a separate tag for it."""
    return row.first("transcript_id") or identifier, row.first("version", "transcript_version")


def region_name(row: Row) -> str:
    """Return the name of a D-loop or a replication origin; NCBI has yeast's ARS102 in a note."""
    if row.kind == "D_loop":
        return row.first("Name") or "D-loop"
    noted = row.first("Note").partition(";")[0].strip()
    return row.first("Name") or (noted if noted and " " not in noted else "origin of replication")


def transcript_tags(row: Row) -> tuple[str, ...]:
    """Return a transcript's tags in Ensembl's terms; RefSeq's partial=true becomes cds_start_NF and cds_end_NF."""
    found = [_SELECT.get(tag, tag.replace(" ", "_")) for tag in row.tags.get("tag", ())]
    if row.first("partial") == "true":
        first, last = (NO_START, NO_END) if row.strand != "-" else (NO_END, NO_START)
        found += [first] if row.tags.get("start_range") else []
        found += [last] if row.tags.get("end_range") else []
    return tuple(dict.fromkeys(found))
