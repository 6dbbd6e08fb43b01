"""Proteins of a reference pack, for tests."""

from functools import partial

from annotator.effects.effect import coding_sequence
from annotator.effects.transcript import Transcript
from annotator.reference.pack import Reference
from tests.support.genome import WHOLE


def transcript(reference: Reference, contig: str, name: str) -> Transcript:
    """Return the transcript of a contig by its name, with or without the version."""
    every = reference.gene_models.near(contig, WHOLE, WHOLE).transcripts
    return next(one for one in every if name in (one.name, one.name.partition(".")[0]))


def protein(reference: Reference, contig: str, name: str) -> str:
    """Return the protein that a transcript codes for, with "*" for its stop codon."""
    return coding_sequence(transcript(reference, contig, name), partial(reference.sequence.fetch, contig)).protein
