"""bcftools csq's answers (the BCSQ tag) as Sequence Ontology terms, worst first."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

#: csq's short names and the Sequence Ontology's terms, most severe first (the order of Ensembl's VEP:
#: https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html).
TERMS = {
    "splice_acceptor": "splice_acceptor_variant",
    "splice_donor": "splice_donor_variant",
    "stop_gained": "stop_gained",
    "frameshift": "frameshift_variant",
    "stop_lost": "stop_lost",
    "start_lost": "start_lost",
    "feature_elongation": "feature_elongation",
    "feature_truncation": "feature_truncation",
    "inframe_insertion": "inframe_insertion",
    "inframe_deletion": "inframe_deletion",
    "missense": "missense_variant",
    "inframe_altering": "protein_altering_variant",
    "splice_region": "splice_region_variant",
    "incomplete_terminal_codon": "incomplete_terminal_codon_variant",
    "start_retained": "start_retained_variant",
    "stop_retained": "stop_retained_variant",
    "synonymous": "synonymous_variant",
    "coding_sequence": "coding_sequence_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "non_coding": "non_coding_transcript_exon_variant",
    "intron": "intron_variant",
    "upstream": "upstream_gene_variant",  # these three are not csq's, which says nothing outside of genes
    "downstream": "downstream_gene_variant",
    "intergenic": "intergenic_variant",
}
_RANK = {term: rank for rank, term in enumerate(TERMS.values())}
#: What polyadenylation-completed stop codons come out as, before `incomplete_terminal_codon` replaces it.
_IN_INCOMPLETE_CODON = {"3_prime_UTR_variant", "intron_variant", "coding_sequence_variant"}


class Consequence(NamedTuple):
    """One entry of BCSQ: the worst term, csq's own words, the gene, and the amino acid change as csq writes it."""

    term: str
    words: str
    gene: str
    transcript: str
    amino_change: str


@lru_cache(maxsize=4096)
def parse(bcsq: str) -> tuple[Consequence, ...]:
    """Parse the BCSQ value of one allele; () if it is empty. Entries that point to another record are left out."""
    found = []
    for entry in bcsq.split(","):
        if not entry or entry.startswith("@"):
            continue
        fields = entry.split("|")
        if len(fields) < 6:
            fields += [""] * (6 - len(fields))
        words = fields[0].lstrip("*")
        found.append(Consequence(_term(words), words, fields[1], fields[2] or fields[1], fields[5]))
    return tuple(found)


@lru_cache(maxsize=1024)
def _term(words: str) -> str:
    """The worst of the terms that csq joins by &."""
    named = words.split("&")
    if "frameshift" in named and "stop_gained" in named:
        # csq adds stop_gained wherever the new frame has a stop before the old one's, as it nearly always has.
        named.remove("stop_gained")
    return min((TERMS.get(word, word) for word in named), key=rank)


def rank(term: str) -> int:
    """Return a term's place in the order of severity, 0 the most severe; unknown terms come last."""
    return _RANK.get(term, len(_RANK))


def worst(
    consequences: tuple[Consequence, ...], in_incomplete_codon: Callable[[], bool], beside: Callable[[], str]
) -> str:
    """Return the most severe term of one allele. Both are asked only where it matters; beside: csq's word, or ours, for
    where an allele without any consequence lies.
    """
    if not consequences:
        return TERMS[beside()]
    term = min((consequence.term for consequence in consequences), key=rank)
    if term in _IN_INCOMPLETE_CODON and in_incomplete_codon():
        return TERMS["incomplete_terminal_codon"]
    return term
