"""The effect of a structural allele on a transcript, by overlap.

The terms are those of Ensembl VEP 115 for structural variants, with one difference: VEP does not use the terms for
splice sites, so a deletion of only a splice site is an intron_variant. Here deletions, inversions, insertions and
breakends have these terms, as the same changes written in bases do. Where the Sequence Ontology leaves a choice, the
rules are VEP's:

- An allele that covers the whole transcript has one term: transcript_ablation if it is deleted,
  transcript_amplification if it is duplicated, else coding_transcript_variant, NMD_transcript_variant or
  non_coding_transcript_variant.
- feature_truncation: a deletion that takes part of an exon, and any breakend within the transcript.
- feature_elongation: an insertion into an exon, and a duplication within the transcript that touches an exon. A
  duplication that reaches out of the transcript has only the terms for the places that it touches.
- An inversion, or a copy number change of unknown direction, has only the terms for the places that it touches.
- A deletion of coding bases within one exon is a frameshift_variant or an inframe_deletion. VEP uses start_lost for
  every allele with both ends in exons; here it is used for deletions only, as stop_lost is.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from annotator.effects import effect as definition
from annotator.effects import placing, splicing
from annotator.effects.effect import Effect
from annotator.effects.structural_alleles import StructuralAllele, StructuralKind
from annotator.effects.terms import ordered, rank
from annotator.effects.transcript import Span, Transcript

#: The most entries for one structural allele: a deletion of 100 megabases touches thousands of transcripts.
MOST_TRANSCRIPTS = 200
#: Alleles after which the reference's bases around a splice site are still adjacent.
_KEEPS_SITES = {StructuralKind.DUPLICATION, StructuralKind.COPY_NUMBER, StructuralKind.OTHER}


class Touched(NamedTuple):
    """A transcript, and the effect of an allele on it."""

    transcript: Transcript
    effect: Effect


def structural_effect(allele: StructuralAllele, transcript: Transcript) -> Effect | None:
    """Return the effect of a structural allele on a transcript of its contig, without HGVS.

    Returns:
        None if the allele does not touch the transcript.
    """
    span = (-allele.end, -allele.start) if transcript.strand == "-" else (allele.start, allele.end)
    begin, end = transcript.places[0][0], transcript.places[-1][1]
    if not splicing.overlaps(span, begin, end):
        return None
    is_point = span[1] < span[0]
    if not is_point and span[0] <= begin and span[1] >= end:
        return Effect((_of_whole(allele.kind, transcript),), "", "", "", "", *definition.numbers(transcript, span))
    found = splicing.terms(transcript, [span])
    if allele.kind in _KEEPS_SITES:
        found = {term for term in found if not term.startswith("splice_")}
    offsets = _offsets(transcript, span)
    exonic = _in_exon(transcript, span, offsets) if is_point and offsets else definition.crossed(transcript, span)
    if exonic and allele.kind is StructuralKind.DELETION:
        exonic = _deleted(transcript, span, exonic)
    found |= exonic
    if transcript.coding is None and not exonic:
        found.add("non_coding_transcript_variant")
    if transcript.coding is not None and transcript.biotype in definition.NONSENSE_MEDIATED_DECAY:
        found.add("NMD_transcript_variant")
    found |= _of_length(allele.kind, is_exonic=bool(exonic), is_within=begin <= span[0] and span[1] <= end)
    if not found:  # a duplication at a splice site, which keeps the site
        found.add("intron_variant")
    where = definition.numbers(transcript, span, at_edge=is_point and offsets is not None)
    positions = definition.positions(transcript, offsets) if offsets else (None, None, None)
    return Effect(ordered(found), "", "", "", "", *where, *positions)


def most_severe(touched: Sequence[Touched], count: int = MOST_TRANSCRIPTS) -> list[Touched]:
    """Return at most `count` of the transcripts, those with the most severe terms, in their order.

    Among transcripts with the same term, those with the highest flag come first, then those that code for a protein,
    then the earlier ones.
    """
    if len(touched) <= count:
        return list(touched)

    def weight(at: int) -> tuple[int, int, bool, int]:
        transcript, effect = touched[at]
        return rank(effect.terms[0]), transcript.standing, transcript.coding is None, at

    return [touched[at] for at in sorted(heapq.nsmallest(count, range(len(touched)), key=weight))]


def _of_whole(kind: StructuralKind, transcript: Transcript) -> str:
    """Return the term of an allele that covers a whole transcript."""
    if kind is StructuralKind.DELETION:
        return "transcript_ablation"
    if kind is StructuralKind.DUPLICATION:
        return "transcript_amplification"
    if transcript.coding is None:
        return "non_coding_transcript_variant"
    is_broken_down = transcript.biotype in definition.NONSENSE_MEDIATED_DECAY
    return "NMD_transcript_variant" if is_broken_down else "coding_transcript_variant"


def _of_length(kind: StructuralKind, *, is_exonic: bool, is_within: bool) -> set[str]:
    """Return the term for a transcript that becomes shorter or longer."""
    if kind is StructuralKind.BREAKEND or (kind is StructuralKind.DELETION and is_exonic):
        return {"feature_truncation"}
    if kind in (StructuralKind.INSERTION, StructuralKind.DUPLICATION) and is_exonic and is_within:
        return {"feature_elongation"}
    return set()


def _offsets(transcript: Transcript, span: Span) -> Span | None:
    """Return the spliced bases of an allele with both ends in exons, from 0, the last not included.

    A place between an exon and an intron counts as part of the exon.
    """
    first, last = span
    if last < first:
        return definition.exonic_offsets(transcript, span)
    if transcript.exon_at(first) is None or transcript.exon_at(last) is None:
        return None
    return transcript.offset(first), transcript.offset(last) + 1


def _in_exon(transcript: Transcript, span: Span, offsets: Span) -> set[str]:
    """Return the term of a place between two spliced bases."""
    if transcript.coding_offsets is None:
        return {definition.noncoding_exon_term(transcript, span)}
    start, stop = transcript.coding_offsets
    if offsets[0] <= start:
        return {"5_prime_UTR_variant"}
    return {"3_prime_UTR_variant"} if offsets[0] >= stop else {"coding_sequence_variant"}


def _deleted(transcript: Transcript, span: Span, exonic: set[str]) -> set[str]:
    """Return the terms of a deletion of exon bases; `exonic`: the terms for the exons that it touches."""
    found = set(exonic)
    exon = transcript.exon_at(span[0])
    is_in_one_exon = exon is not None and exon == transcript.exon_at(span[1])
    if exonic == {"coding_sequence_variant"} and is_in_one_exon and transcript.is_consistent:
        found = {"frameshift_variant" if (span[1] - span[0] + 1) % 3 else "inframe_deletion"}
    takes_start, takes_stop = placing.codons_touched(transcript, span)
    if takes_start and transcript.is_numbered:
        found.add("start_lost")
    if takes_stop and transcript.end_known and transcript.is_consistent:
        found.add("stop_lost")
    return found
