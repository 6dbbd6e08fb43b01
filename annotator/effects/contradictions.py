"""Contradictions between the terms and the descriptions of one effect, which must never be written.

They would be errors of this package. The tests look for them in everything that they generate. In production they are
logged and counted, and the descriptions are left out.
"""

import re

from annotator.effects.allele import Change
from annotator.effects.effect import Effect

_PLACE = r"([*-]?)\d+([+-]\d+)?"
_PLACES = re.compile(rf"[cn]\.{_PLACE}(?:_{_PLACE})?", re.ASCII).match
_CHANGES_PROTEIN = frozenset(
    {"missense_variant", "stop_gained", "frameshift_variant", "stop_lost", "inframe_insertion", "inframe_deletion"}
)
_KEEPS_PROTEIN = frozenset({"synonymous_variant", "start_retained_variant"})
_CODING = _CHANGES_PROTEIN | _KEEPS_PROTEIN | {"stop_retained_variant", "protein_altering_variant", "start_lost"}


def contradiction(effect: Effect, change: Change) -> str:
    """Return a sentence about the contradiction in an effect; "" if there is none."""
    return _of_protein(effect) or _of_place(effect, change)


def _of_protein(effect: Effect) -> str:
    """Compare the terms with the description of the protein."""
    told, terms = effect.hgvs_p, set(effect.terms)
    if not told:
        return ""
    if not terms & _CODING:
        return f"{told} although nothing that codes is touched ({'&'.join(effect.terms)})"
    unchanged = told.endswith("=")
    if unchanged and terms & _CHANGES_PROTEIN and "stop_retained_variant" not in terms:
        return f"{told} is no {effect.terms[0]}"
    if terms & _KEEPS_PROTEIN and not unchanged and not terms & _CHANGES_PROTEIN:
        return f"{told} is no {effect.terms[0]}"
    if ("start_lost" in terms) is not (told == "p.Met1?"):
        return f"{told} and {'&'.join(effect.terms)}"
    return ""


def _of_place(effect: Effect, change: Change) -> str:
    """Compare the terms with the place in the description on the transcript.

    Insertions and deletions are not compared: HGVS describes the last of their equivalent places, and the terms are
    those of the least harmful place.
    """
    if not effect.hgvs_c or not (change.ref and change.alt):
        return ""
    found = _PLACES(effect.hgvs_c)
    if found is None:
        return f"{effect.hgvs_c} names no place"
    sign, offset, _, last_offset = found.groups()
    terms, message = set(effect.terms), f"{effect.hgvs_c} and {'&'.join(effect.terms)}"
    if len(change.ref) > 1:
        return message if not effect.exon and not offset and not last_offset else ""
    if bool(offset) is not (not effect.exon):
        return message
    if offset or effect.hgvs_c.startswith("n."):
        return ""
    expected = {"-": {"5_prime_UTR_variant"}, "*": {"3_prime_UTR_variant"}}.get(sign, set())
    return message if {"5_prime_UTR_variant", "3_prime_UTR_variant"} & terms != expected else ""
