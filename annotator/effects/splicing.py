"""Which parts of introns and exons a change touches.

A change takes the place `first` to `last` along the transcript; an insertion stands before `first`, and `last` is
`first - 1`. The distances are Ensembl VEP's:
https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html
"""

from collections.abc import Sequence

from annotator.effects.transcript import Span, Transcript

DONOR, ACCEPTOR = "splice_donor_variant", "splice_acceptor_variant"
#: A gap of at most this many bases is no intron that could be spliced: gene models use it to keep the reading frame.
GAP = 12


def overlaps(change: Span, first: int, last: int) -> bool:
    """Whether a change touches places `first` to `last`; an insertion does if it stands between two of them."""
    return change[1] >= first and change[0] <= last


def hits_splice_site(transcript: Transcript, change: Span) -> bool:
    """Whether a change touches the first two or the last two bases of an intron."""
    touched = [transcript.introns[number] for number in transcript.introns_between(*change)]
    return any(
        overlaps(change, start, start + 1) or overlaps(change, end - 1, end)
        for start, end in touched
        if end - start >= GAP
    )


def terms(transcript: Transcript, change: Span, changed: Sequence[Span]) -> set[str]:
    """Return the terms of splice sites, their surroundings and introns that a change touches.

    Args:
        transcript: On whose places the change lies.
        change: From its first to its last place.
        changed: The parts of it whose bases differ: a splice site that keeps its two bases is not touched.
    """
    found: set[str] = set()
    for number in transcript.introns_between(change[0] - 4, change[1] + 4):
        start, end = transcript.introns[number]
        if end - start < GAP:
            found |= {"coding_sequence_variant"} if overlaps(change, start, end) and transcript.coding else set()
            continue
        found |= _terms(start, end, change, changed)
    return found


def _terms(start: int, end: int, change: Span, changed: Sequence[Span]) -> set[str]:
    found: set[str] = set()
    insertion = change[1] < change[0]
    if any(overlaps(part, start, start + 1) for part in changed):
        found.add(DONOR)
    if any(overlaps(part, end - 1, end) for part in changed):
        found.add(ACCEPTOR)
    if overlaps(change, start + 4, start + 4):
        found.add("splice_donor_5th_base_variant")
    elif overlaps(change, start + 2, start + 5):
        found.add("splice_donor_region_variant")
    if not found and (
        overlaps(change, start - 3, start + 7)
        or overlaps(change, end - 7, end + 3)
        or (insertion and (change[0] == start or change[1] == end))
    ):
        found.add("splice_region_variant")
    in_tract = overlaps(change, end - 16, end - 2) or (insertion and change[1] == end - 2)
    if in_tract and change[1] <= end:
        found.add("splice_polypyrimidine_tract_variant")
    if overlaps(change, start + 2, end - 2) or (insertion and (change[0] == start + 2 or change[1] == end - 2)):
        found.add("intron_variant")
    return found
