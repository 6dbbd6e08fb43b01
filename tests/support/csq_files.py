"""Values of INFO/CSQ, rendered from the definition of effects, without the annotator's pipeline."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from annotator.alleles import shortest
from annotator.effects import csq_field
from annotator.effects.effect import Effect, effect
from annotator.effects.terms import IMPACT, impact_of
from annotator.effects.transcript import Transcript

_SEVERITY = {term: number for number, term in enumerate(IMPACT)}


def csq(transcripts: Sequence[Transcript], bases: str, pos: int, ref: str, alts: Sequence[str]) -> str:
    """Return the value of CSQ of a record; "" if no allele has an entry.

    Args:
        transcripts: those of the contig.
        bases: the contig's.
    """
    entries = []
    for number, alt in enumerate(alts, 1):
        if not set(alt) <= set("ACGT") or alt == ref:
            continue
        allele = csq_field.allele(ref, tuple(alts), alt)
        entries += [f"{allele}|{middle}|{number}" for middle in _middles(transcripts, bases, pos, ref, alt)]
    return ",".join(entries)


def _middles(transcripts: Sequence[Transcript], bases: str, pos: int, ref: str, alt: str) -> list[str]:
    """Return each entry of an allele without its first and last field."""
    change = shortest(pos, ref, alt)
    near = [one for one in transcripts if one.start <= change.end + 1 and one.end >= change.pos - 1]
    found = [(effect(change, one, lambda start, end: bases[start - 1 : end]), one) for one in near]
    touched = [(said, one) for said, one in found if said]
    if not touched:
        term = "intergenic_variant"
        return ["|".join(csq_field.outside_genes(term, impact_of([term]), "", "", None, ""))]
    picked = min(touched, key=_weight)[1]
    return [
        "|".join(
            (
                csq_field.before_hgvs_c(said, one),
                csq_field.hgvs_c(said, one),
                csq_field.after_hgvs_c(said, one, is_picked=one is picked),
            )
        )
        for said, one in touched
    ]


def _weight(pair: tuple[Effect, Transcript]) -> tuple[int, int, bool, str]:
    said, transcript = pair
    return transcript.standing, _SEVERITY[said.terms[0]], transcript.coding is None, transcript.name


def add_csq(path: Path, bases: Mapping[str, str], transcripts: Mapping[str, Sequence[Transcript]]) -> None:
    """Give an annotated file CSQ in place of BCSQ, in front of the annotator's other tags.

    Args:
        bases, transcripts: by contig. If there is one, the file may call it by another name.
    """
    lines = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines):
        if line.startswith("##INFO=<ID=BCSQ,"):
            lines[number] = csq_field.DEFINITION
        if not line or line.startswith("#"):
            continue
        columns = line.split("\t")
        contig = columns[0] if columns[0] in bases else next(iter(bases))
        value = csq(transcripts.get(contig, ()), bases[contig], int(columns[1]), columns[3], columns[4].split(","))
        info = [] if columns[7] == "." else [one for one in columns[7].split(";") if not one.startswith("BCSQ=")]
        place = next((at for at, one in enumerate(info) if one.startswith("GAS_")), len(info))
        columns[7] = ";".join([*info[:place], *([f"CSQ={value}"] if value else []), *info[place:]]) or "."
        lines[number] = "\t".join(columns)
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8", "surrogateescape")))
