"""INFO/CSQ in the format of Ensembl VEP: one entry for each allele and transcript.

https://www.ensembl.org/info/docs/tools/vep/vep_formats.html#vcfout
"""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from annotator.effects.effect import Effect
from annotator.effects.terms import impact_of
from annotator.effects.transcript import NO_END, NO_START, Span, Transcript

TAG = "CSQ"
FIELDS = (
    "Allele",
    "Consequence",
    "IMPACT",
    "SYMBOL",
    "Gene",
    "Feature_type",
    "Feature",
    "BIOTYPE",
    "EXON",
    "INTRON",
    "HGVSc",
    "HGVSp",
    "cDNA_position",
    "CDS_position",
    "Protein_position",
    "Amino_acids",
    "Codons",
    "DISTANCE",
    "STRAND",
    "FLAGS",
    "PICK",
    "CANONICAL",
    "MANE",
    "ALLELE_NUM",
)
#: How the description of the tag begins. It tells the annotator's own CSQ from that of another program.
DESCRIPTION = "Consequences of each allele on each transcript, as Ensembl VEP writes them"
DEFINITION = f'##INFO=<ID={TAG},Number=.,Type=String,Description="{DESCRIPTION}. Format: {"|".join(FIELDS)}">'
#: A value may stand in an entry once these characters are replaced.
ESCAPES = {
    "%": "%25",
    "|": "%7C",
    "&": "%26",
    ",": "%2C",
    ";": "%3B",
    "=": "%3D",
    " ": "_",
    "\t": "_",
    "\r": "",
    "\n": "",
}
_ESCAPES = str.maketrans(ESCAPES)
_TO_ESCAPE = re.compile(r"[%|&,;= \t\r\n]").search
REMEMBERED = 2048  # transcripts


def escaped(value: str) -> str:
    """Return a value as it may stand in an entry."""
    return value.translate(_ESCAPES) if _TO_ESCAPE(value) else value


class TranscriptFields(NamedTuple):
    """The fields of an entry that depend on the transcript alone.

    identity: from SYMBOL up to BIOTYPE.
    protein: in front of the description of a protein, such as `ENSP00000362111:`.
    direction: STRAND and FLAGS.
    selection: CANONICAL and MANE.
    """

    identity: str
    protein: str
    direction: str
    selection: str


@lru_cache(maxsize=REMEMBERED)
def fields_of(transcript: Transcript) -> TranscriptFields:
    """Return the fields of entries about a transcript."""
    names = transcript.gene, transcript.gene_id, "Transcript", transcript.name, transcript.biotype
    return TranscriptFields(
        "|".join(map(escaped, names) if _TO_ESCAPE("".join(names)) else names),
        escaped(f"{transcript.protein_id or transcript.name}:"),
        _direction(transcript.strand == "-", transcript.start_known, transcript.end_known),
        _selection(transcript.flags),
    )


@cache
def _direction(reverse: bool, start_known: bool, end_known: bool) -> str:
    flags = [NO_START] * (not start_known) + [NO_END] * (not end_known)
    return f"{'-1' if reverse else '1'}|{'&'.join(flags)}"


@cache  # FLAGS has few combinations
def _selection(flags: tuple[str, ...]) -> str:
    canonical = "YES" if "Ensembl_canonical" in flags else ""
    return f"{canonical}|{'&'.join(flag for flag in flags if flag.startswith('MANE'))}"


@lru_cache(maxsize=REMEMBERED)
def _consequence(terms: tuple[str, ...]) -> str:
    """Return the fields Consequence and IMPACT."""
    return f"{'&'.join(terms)}|{impact_of(terms)}"


def before_hgvs_c(effect: Effect, transcript: Transcript) -> str:
    """Return the fields from Consequence up to INTRON, without the allele in front of them."""
    return f"{_consequence(effect.terms)}|{fields_of(transcript).identity}|{effect.exon}|{effect.intron}"


def after_hgvs_c(effect: Effect, transcript: Transcript, *, is_picked: bool) -> str:
    """Return the fields from HGVSp up to MANE."""
    _, protein, direction, selection = fields_of(transcript)
    hgvs_p = f"{protein}{escaped(effect.hgvs_p)}" if effect.hgvs_p else ""
    positions = f"{_span(effect.cdna)}|{_span(effect.cds)}|{_span(effect.protein)}"
    pick = "1" if is_picked else ""
    return f"{hgvs_p}|{positions}|{effect.amino_acids}|{effect.codons}||{direction}|{pick}|{selection}"


def hgvs_c(effect: Effect, transcript: Transcript) -> str:
    """Return the value of HGVSc, such as ENST00000373020.9:c.76A>T."""
    return escaped(f"{transcript.name}:{effect.hgvs_c}") if effect.hgvs_c else ""


def outside_genes(
    term: str, impact: str, symbol: str, gene_id: str, distance: int | None, strand: str
) -> tuple[str, str, str]:
    """Return the fields before DISTANCE, DISTANCE, and those after it up to MANE, of an allele without a transcript.

    Args:
        term: upstream_gene_variant, downstream_gene_variant or intergenic_variant.
        impact: the impact of the term.
        symbol, gene_id: the gene that is near; "" if none is.
        distance: bases to this gene, from 1; None if none is near.
        strand: of this gene, "" if none is near.
    """
    number = {"-": "-1", "+": "1"}.get(strand, "")
    empty = [""] * 12  # from Feature_type up to Codons
    before = "|".join((term, impact, escaped(symbol), escaped(gene_id), *empty))
    return before, "" if distance is None else str(distance), "|".join((number, "", "", "", ""))


def allele(ref: str, alts: tuple[str, ...], alt: str) -> str:
    """Return an ALT allele as VEP writes it in the field Allele.

    If the alleles of a record differ in length and begin with the same base, that base is left out; "-" for nothing. An
    allele * has a length, but no base.
    """
    bases = [one for one in alts if one.isalpha()]
    is_indel = any(len(one) != len(ref) for one in alts if one == "*" or one in bases)
    if is_indel and all(one[:1] == ref[:1] for one in bases):
        return (alt[1:] if alt in bases else alt) or "-"
    return alt


def _span(span: Span | None) -> str:
    if span is None:
        return ""
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"
