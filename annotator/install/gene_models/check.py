"""Reject or repair impossible transcripts, and count both."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from annotator.install.gene_models.model import Gene, Transcript, inside
from annotator.reference.gene_models import merged
from annotator.reference.gff3 import fit

OVERLAPPING = "their exons overlap"
OUTSIDE = "their coding parts lie outside of their exons"
NO_STRAND = "they have no strand"
BOTH_STRANDS = "their parts lie on both strands, or on another strand than the gene"
BEYOND_END = "they reach beyond the end of the sequence"
CODING = "a biotype that the file does not tell, or that does not fit coding parts"
PHASES = "phases of coding parts that do not fit each other"
EXONS = "exons that the file does not have, from coding parts and UTRs"


@dataclass
class Counts:
    """Numbers of transcripts.

    transcripts: in the file.
    left_out: rejected, by reason.
    repaired: repaired, by fault.
    slipping: with a reading frame that slips, so that HGVS cannot number their bases.
    """

    transcripts: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    slipping: int = 0


def checked(gene: Gene, length: int, counts: Counts) -> Gene | None:
    """Sort and complete the transcripts of a gene; reject those that cannot be used.

    Args:
        gene: As returned by `build`.
        length: Length of its contig.
        counts: Is updated.

    Returns:
        The gene; None if none of its transcripts can be used.
    """
    kept = []
    for transcript in gene.transcripts:
        counts.transcripts += 1
        if gene.strand not in {"+", "-"}:
            counts.left_out[NO_STRAND] += 1
        elif transcript.strands - {gene.strand}:
            counts.left_out[BOTH_STRANDS] += 1
        elif fault := _completed(transcript, gene.strand, length, counts):
            counts.left_out[fault] += 1
        else:
            kept.append(transcript)
    gene.transcripts = kept
    for transcript in kept:
        _name_biotype(transcript, gene, counts)
    if kept and not gene.biotype:
        gene.biotype = next((one.biotype for one in kept if one.coding), kept[0].biotype)
    return gene if kept else None


def _name_biotype(transcript: Transcript, gene: Gene, counts: Counts) -> None:
    """Give a transcript a biotype if it has none, or if its biotype contradicts its coding segments.

    bcftools decides by the biotype whether a transcript is coding.
    """
    told = transcript.biotype
    if not told:
        coding_gene = gene.biotype in {"", "protein_coding"}
        transcript.biotype = gene.biotype if not coding_gene else "protein_coding" if transcript.coding else "misc_RNA"
    if transcript.coding and transcript.biotype.endswith("RNA"):
        transcript.biotype = "protein_coding"
        counts.repaired[CODING] += 1


def _completed(transcript: Transcript, strand: str, length: int, counts: Counts) -> str:
    """Complete a transcript; return the reason if it cannot be used, else ""."""
    coding = _with_stop(transcript.coding)
    exons = sorted(set(transcript.exons))
    if not exons:
        exons = merged([(start, end) for start, end, _ in coding] + transcript.untranslated)
        if exons:
            counts.repaired[EXONS] += 1
        else:
            exons = [(transcript.start, transcript.end)]
    if exons[-1][1] > length:
        return BEYOND_END
    if any(left[1] >= right[0] for left, right in pairwise(exons)):
        return OVERLAPPING
    if any(not inside(start, end, exons) for start, end, _ in coding):
        return OUTSIDE
    transcript.exons, transcript.start, transcript.end = exons, exons[0][0], exons[-1][1]
    transcript.coding = phased(coding, strand)
    told = [phase for _, _, phase in coding]
    if any(old != new for old, (_, _, new) in zip(told, transcript.coding, strict=True) if old in {"0", "1", "2"}):
        counts.repaired[PHASES] += 1
    counts.slipping += not fit(exons, [(start, end) for start, end, _ in transcript.coding])
    return ""


def _with_stop(coding: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return coding segments in order, with a stop codon joined to the adjacent segment."""
    found: list[tuple[int, int, str]] = []
    for start, end, phase in sorted(set(coding)):
        if found and start <= found[-1][1] + 1 and "stop" in {phase, found[-1][2]}:
            before = found.pop()
            phases = [one for one in (before[2], phase) if one != "stop"]
            found.append((before[0], max(end, before[1]), phases[0] if phases else "stop"))
        else:
            found.append((start, end, phase))
    return found


def phased(coding: list[tuple[int, int, str]], strand: str) -> list[tuple[int, int, str]]:
    """Return coding segments with the phases that follow from the first one.

    Args:
        coding: Sorted along the contig. Only the phase of the first segment in the transcript's direction is used.
        strand: "+" or "-".
    """
    ordered = coding if strand == "+" else coding[::-1]
    found = []
    phase = int(ordered[0][2]) if ordered and ordered[0][2] in {"1", "2"} else 0
    for start, end, _ in ordered:
        found.append((start, end, str(phase)))
        phase = (phase - (end - start + 1)) % 3
    return found if strand == "+" else found[::-1]
