"""Which parts of introns and exons a change touches.

A change replaces the places `first` to `last` along the transcript. An insertion lies before `first`, and its `last` is
`first - 1`. The distances are Ensembl VEP's:
https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html
"""

from collections.abc import Sequence

from annotator.effects.transcript import Span, Transcript

DONOR, ACCEPTOR = "splice_donor_variant", "splice_acceptor_variant"
#: A gap of at most this many bases is not an intron: gene models use such gaps to keep the reading frame.
GAP = 12


def overlaps(change: Span, first: int, last: int) -> bool:
    """Return whether a change touches places `first` to `last`; an insertion does if it lies between two of them."""
    return change[1] >= first and change[0] <= last


def hits_splice_site(transcript: Transcript, change: Span) -> bool:
    """Return whether a change touches the first two or the last two bases of an intron."""
    touched = [transcript.introns[number] for number in transcript.introns_between(*change)]
    return any(
        overlaps(change, start, start + 1) or overlaps(change, end - 1, end)
        for start, end in touched
        if end - start >= GAP
    )


def terms(transcript: Transcript, parts: Sequence[Span]) -> set[str]:
    """Return the terms for the splice sites, splice regions and introns that a change touches.

    Args:
        transcript: The transcript whose places the change replaces.
        parts: The places whose bases differ, in order; see `placing.changed_parts`.
    """
    found: set[str] = set()
    for number in transcript.introns_between(parts[0][0] - 4, parts[-1][1] + 4):
        start, end = transcript.introns[number]
        near = [part for part in parts if part[1] >= start - 4 and part[0] <= end + 4]
        if end - start < GAP:
            touched = transcript.coding is not None and any(overlaps(part, start, end) for part in near)
            found |= {"coding_sequence_variant"} if touched else set()
            continue
        found |= _terms(start, end, near, parts[-1][1])
    return found


def _terms(start: int, end: int, parts: Sequence[Span], last: int) -> set[str]:
    """Return the terms of one intron, from its first place to its last; `last`: the last place of the whole change."""
    if parts and parts[0][0] > start + 8 and parts[-1][1] < end - 17:
        return {"intron_variant"}  # well inside, as most changes are
    inserted = {first for first, last in parts if last < first}

    def touches(first: int, last: int) -> bool:
        return any(overlaps(part, first, last) for part in parts)

    found: set[str] = set()
    if touches(start, start + 1):
        found.add(DONOR)
    if touches(end - 1, end):
        found.add(ACCEPTOR)
    if touches(start + 4, start + 4):
        found.add("splice_donor_5th_base_variant")
    elif touches(start + 2, start + 5):
        found.add("splice_donor_region_variant")
    if not found and (touches(start - 3, start + 7) or touches(end - 7, end + 3) or inserted & {start, end + 1}):
        found.add("splice_region_variant")
    if (touches(end - 16, end - 2) or inserted & {max(start, end - 16), end - 1}) and last <= end:
        found.add("splice_polypyrimidine_tract_variant")
    if touches(start + 2, end - 2) or inserted & {start + 2, end - 1}:
        found.add("intron_variant")
    return found
