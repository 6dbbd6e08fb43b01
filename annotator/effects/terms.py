"""Sequence Ontology terms of consequences, in order of severity, with their impact.

The order and the impact of each term are those of Ensembl VEP:
https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html
"""

from collections.abc import Iterable
from enum import StrEnum


class Impact(StrEnum):
    """The expected effect of a consequence on the protein, in Ensembl VEP's four classes."""

    HIGH = "HIGH"
    MODERATE = "MODERATE"
    LOW = "LOW"
    MODIFIER = "MODIFIER"


#: The impact of each term, the most severe term first. The place of a term is its bit in the Parquet file's term_bits:
#: when a term is added or moved, raise `annotator.tables.schema.VERSION`, so that old files are rebuilt.
IMPACT = {
    "transcript_ablation": Impact.HIGH,
    "splice_acceptor_variant": Impact.HIGH,
    "splice_donor_variant": Impact.HIGH,
    "stop_gained": Impact.HIGH,
    "frameshift_variant": Impact.HIGH,
    "stop_lost": Impact.HIGH,
    "start_lost": Impact.HIGH,
    "transcript_amplification": Impact.HIGH,
    "feature_elongation": Impact.HIGH,
    "feature_truncation": Impact.HIGH,
    "inframe_insertion": Impact.MODERATE,
    "inframe_deletion": Impact.MODERATE,
    "missense_variant": Impact.MODERATE,
    "protein_altering_variant": Impact.MODERATE,
    "splice_donor_5th_base_variant": Impact.LOW,
    "splice_region_variant": Impact.LOW,
    "splice_donor_region_variant": Impact.LOW,
    "splice_polypyrimidine_tract_variant": Impact.LOW,
    "incomplete_terminal_codon_variant": Impact.LOW,
    "start_retained_variant": Impact.LOW,
    "stop_retained_variant": Impact.LOW,
    "synonymous_variant": Impact.LOW,
    "coding_sequence_variant": Impact.MODIFIER,
    "mature_miRNA_variant": Impact.MODIFIER,
    "5_prime_UTR_variant": Impact.MODIFIER,
    "3_prime_UTR_variant": Impact.MODIFIER,
    "non_coding_transcript_exon_variant": Impact.MODIFIER,
    "intron_variant": Impact.MODIFIER,
    "NMD_transcript_variant": Impact.MODIFIER,
    "non_coding_transcript_variant": Impact.MODIFIER,
    "coding_transcript_variant": Impact.MODIFIER,
    "upstream_gene_variant": Impact.MODIFIER,
    "downstream_gene_variant": Impact.MODIFIER,
    "intergenic_variant": Impact.MODIFIER,
}
_RANK = {term: rank for rank, term in enumerate(IMPACT)}


def ordered(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct terms, the most severe first. Raises KeyError for a term that the table lacks."""
    return tuple(sorted(set(terms), key=_RANK.__getitem__))


def rank(term: str) -> int:
    """Return the place of a term in the order of severity, 0 for the most severe. Raises KeyError for other words."""
    return _RANK[term]


def impact_of(terms: Iterable[str]) -> Impact:
    """Return the impact of the most severe of one or more terms."""
    return IMPACT[min(terms, key=_RANK.__getitem__)]
