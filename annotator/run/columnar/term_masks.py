"""Sequence Ontology terms of an effect as bits of a number: the most severe term is the lowest bit."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from annotator.effects.terms import IMPACT
from annotator.run.columnar.compiled import Ints

_BIT = {term: 1 << rank for rank, term in enumerate(IMPACT)}


class Terms(NamedTuple):
    """The terms that an SNV may have, each as a bit of a mask."""

    splice_acceptor: int = _BIT["splice_acceptor_variant"]
    splice_donor: int = _BIT["splice_donor_variant"]
    stop_gained: int = _BIT["stop_gained"]
    start_lost: int = _BIT["start_lost"]
    missense: int = _BIT["missense_variant"]
    splice_donor_5th_base: int = _BIT["splice_donor_5th_base_variant"]
    splice_region: int = _BIT["splice_region_variant"]
    splice_donor_region: int = _BIT["splice_donor_region_variant"]
    splice_polypyrimidine_tract: int = _BIT["splice_polypyrimidine_tract_variant"]
    incomplete_terminal_codon: int = _BIT["incomplete_terminal_codon_variant"]
    start_retained: int = _BIT["start_retained_variant"]
    stop_retained: int = _BIT["stop_retained_variant"]
    synonymous: int = _BIT["synonymous_variant"]
    coding_sequence: int = _BIT["coding_sequence_variant"]
    mature_mirna: int = _BIT["mature_miRNA_variant"]
    utr_5_prime: int = _BIT["5_prime_UTR_variant"]
    utr_3_prime: int = _BIT["3_prime_UTR_variant"]
    non_coding_exon: int = _BIT["non_coding_transcript_exon_variant"]
    intron: int = _BIT["intron_variant"]
    nmd_transcript: int = _BIT["NMD_transcript_variant"]
    non_coding_transcript: int = _BIT["non_coding_transcript_variant"]


TERMS = Terms()


def mask_of(terms: Iterable[str]) -> int:
    """Return the mask of some terms: bit 0 stands for the first of `effects.terms.IMPACT`, and so on."""
    return sum(_BIT[term] for term in set(terms))


def terms_of(mask: int) -> tuple[str, ...]:
    """Inverse of `mask_of`: the terms, the most severe first."""
    return tuple(term for term, bit in _BIT.items() if mask & bit)


def ranks_of(masks: Ints) -> Ints:
    """Return the index in `effects.terms.IMPACT` of the most severe term of each mask; no mask may be 0."""
    lowest = (masks & -masks).astype(np.float64)
    return np.log2(lowest).astype(np.int64)
