"""The INFO tags and header lines that an annotated file gets, next to CSQ (annotator.effects.csq_field)."""

import re
from typing import Final

from annotator.effects import csq_field

CSQ: Final = csq_field.TAG
GENE: Final = "GAS_GENE"
CONSEQUENCE: Final = "GAS_CSQ"
HGVS_G: Final = "GAS_HGVSG"
HGVS_C: Final = "GAS_HGVSC"
TRANSCRIPT: Final = "GAS_TRANSCRIPT"
HGVS_P: Final = "GAS_HGVSP"
PHASED: Final = "GAS_PHASED"
KNOWN: Final = "GAS_KNOWN"
KNOWN_SOURCE: Final = "GAS_KNOWN_SOURCE"

#: Tags of other annotators, which an input may have: they are kept under another name.
FOREIGN = {tag: f"ORIGINAL_{tag}" for tag in (CSQ, "ANN", "BCSQ")}
#: The annotator's tags, in the order in which they stand in INFO.
OWN = (CSQ, GENE, CONSEQUENCE, HGVS_G, HGVS_C, TRANSCRIPT, HGVS_P, PHASED, KNOWN, KNOWN_SOURCE)

DESCRIPTIONS = {
    GENE: "Genes that the allele touches, joined by &; where there is none, the named region (D-loop, OriL)",
    CONSEQUENCE: "Most severe predicted consequence of the allele, a Sequence Ontology term",
    HGVS_G: "HGVS description of the allele on the reference, without its accession",
    HGVS_C: "HGVS description of the allele on the transcript that matters most, such as ENST00000269305.9:c.743G>A",
    TRANSCRIPT: "Flag of that transcript: MANE_Select, MANE_Plus_Clinical or Ensembl_canonical",
    HGVS_P: "HGVS descriptions of the changed proteins as GENE:p.Change, joined by &; = is written %3D",
    PHASED: "What the allele does together with neighbors that are certain to lie on one molecule with it, as "
    "Consequence|GENE:p.Change|change on the reference|samples; several are joined by &",
    KNOWN: "Diseases that the allele is known to be associated with, joined by &; a space is written _",
    KNOWN_SOURCE: "Where GAS_KNOWN comes from, joined by &; a space is written _",
}

ESCAPES = {"%": "%25", " ": "_", ",": "%2C", ";": "%3B", "=": "%3D", "\t": "_", "\r": "", "\n": ""}
_ESCAPES = str.maketrans(ESCAPES)
_TO_ESCAPE = re.compile(r"[% ,;=\t\r\n]").search


def escape(value: str) -> str:
    """Write a value so that it can stand in INFO (VCF 4.3, section 1.2; spaces become _)."""
    return value.translate(_ESCAPES) if _TO_ESCAPE(value) else value


def quoted(value: str) -> str:
    """Write a value as one quoted string of a header line: no line ends, no control characters."""
    clean = "".join("?" if ord(letter) < 32 or ord(letter) == 127 else letter for letter in value)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def definitions() -> list[str]:
    """Return the header lines that declare the annotator's own tags: CSQ, then those with one value per ALT allele."""
    per_allele = [f'##INFO=<ID={tag},Number=A,Type=String,Description="{text}">' for tag, text in DESCRIPTIONS.items()]
    return [csq_field.DEFINITION, *per_allele]
