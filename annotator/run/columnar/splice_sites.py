"""Terms of splice sites, splice regions and introns for SNVs, as `effects.splicing` defines them."""

from annotator.run.columnar.compiled import compiled
from annotator.run.columnar.term_masks import Terms
from annotator.run.columnar.transcript_columns import TranscriptColumns

#: A gap of at most this number of bases is too short to be spliced as an intron, see `effects.splicing`.
GAP = 12


@compiled
def splicing(columns: TranscriptColumns, low: int, high: int, exon: int, place: int, codes: bool, terms: Terms) -> int:
    """Return the terms of the introns around a place of a transcript, as a mask.

    Args:
        columns: transcripts.
        low, high: the range of the transcript's exons, `high` not included.
        exon: the last exon that begins at or before the place.
        place: the position, negative on the reverse strand.
        codes: whether the transcript is coding.
        terms: the bits of terms.
    """
    mask = 0
    before = exon - 1
    while before >= low and columns.begin[before + 1] + 3 >= place:
        mask |= _intron(columns.end[before] + 1, columns.begin[before + 1] - 1, place, codes, terms)
        before -= 1
    while exon < high - 1 and columns.end[exon] - 3 <= place:
        mask |= _intron(columns.end[exon] + 1, columns.begin[exon + 1] - 1, place, codes, terms)
        exon += 1
    return mask


@compiled
def _intron(start: int, end: int, place: int, codes: bool, terms: Terms) -> int:
    if end - start < GAP:
        return terms.coding_sequence if codes and start <= place <= end else 0
    mask = 0
    if start <= place <= start + 1:
        mask |= terms.splice_donor
    if end - 1 <= place <= end:
        mask |= terms.splice_acceptor
    if place == start + 4:
        mask |= terms.splice_donor_5th_base
    elif start + 2 <= place <= start + 5:
        mask |= terms.splice_donor_region
    if not mask and (start - 3 <= place <= start + 7 or end - 7 <= place <= end + 3):
        mask |= terms.splice_region
    if end - 16 <= place <= end - 2:
        mask |= terms.splice_polypyrimidine_tract
    if start + 2 <= place <= end - 2:
        mask |= terms.intron
    return mask
