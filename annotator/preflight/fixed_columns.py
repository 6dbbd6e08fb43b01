"""Check REF, ALT, QUAL and FILTER of one record."""

import re

from annotator.effects.allele import Kind, in_upper_case, kind_of
from annotator.preflight.header import Header
from annotator.preflight.info import LONGEST_NAME, Unusable
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown

_BASES = re.compile(r"[ACGTN]++").fullmatch
_AMBIGUOUS = re.compile(r"[ACGTNRYSWKMBDHV]++").fullmatch
_OLD_INDEL = re.compile(r"D\d++|D[ACGTN]++|I[ACGTN]++").fullmatch
_NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?|(?i:nan|[+-]?inf(?:inity)?)", re.ASCII).fullmatch
LONGEST_NUMBER = 1000  # maximum number of characters in QUAL
_UNFIT_IN_FILTER = re.compile(r'[\s,<>="]').search
_SLASHED = re.compile(r"[ACGTN]++(?:/[ACGTN]++)+", re.IGNORECASE).fullmatch


class ColumnsCheck:
    """Checks unusual values, and repairs them where their meaning is certain."""

    def __init__(self, header: Header, journal: Journal) -> None:
        """Start with the filters that the header declares.

        Attributes:
            filters: the declared values of FILTER, to which undeclared ones are added as they are seen.
            definitions: header lines for filters that the header does not declare.
        """
        self._journal = journal
        self._old = header.version < (4, 0)
        self.filters = set(header.filters)
        self.definitions: list[str] = []

    def ref(self, number: int, ref: str) -> str:
        upper = ref.upper()
        if _BASES(upper):
            self._journal.repair("lower-case", "Lower-case bases in REF and ALT were written in upper case", number)
            return upper
        if _AMBIGUOUS(upper):
            raise Unusable("ambiguous-bases", f"REF {shown(ref)} has an ambiguity code")
        raise Unusable("bad-ref", f"REF {shown(ref)} is not a sequence of bases")

    def alleles(
        self, number: int, ref: str, alts: list[str], kinds: list[Kind], *, guessed: bool
    ) -> tuple[list[str], list[Kind]]:
        """Check unusual ALT alleles.

        Args:
            number: the line.
            ref: REF.
            alts: the ALT alleles.
            kinds: the kind of each allele.
            guessed: whether REF has N in place of other bases.

        Returns:
            The alleles as they are written, and the kind of each.
        """
        if Kind.INVALID in kinds:
            alts, kinds = self._alts(number, ref, alts)
        if ref in alts:
            self._journal.repair("same-allele", "ALT repeats REF, which is no variant: it was not annotated", number)
        if guessed and Kind.SEQUENCE in kinds:
            # Callers of structural variants write N without looking at the reference. Some of them also write the base
            # before the inserted bases into ALT, and some do not, so it is unknown which bases are new.
            kinds = [Kind.UNKNOWN_BASES if kind is Kind.SEQUENCE else kind for kind in kinds]
            text = "REF has N, which fits any base; no effect was predicted for alleles in bases"
            self._journal.repair("unknown-ref", text, number)
        return alts, kinds

    def _alts(self, number: int, ref: str, alts: list[str]) -> tuple[list[str], list[Kind]]:
        if len(alts) == 1 and _SLASHED(alts[0]):
            split = alts[0].upper().split("/")
            # Some programs write all alleles this way, including REF, which makes the meaning of GT uncertain.
            if ref not in split and len(set(split)) == len(split):
                self._journal.repair("slashed-alts", "ALT alleles that / separates were separated by commas", number)
                alts = alts[0].split("/")
        fixed = [in_upper_case(one) if kind_of(one) is Kind.INVALID else one for one in alts]
        kinds = [kind_of(one) for one in fixed]
        for one, kind in zip(fixed, kinds, strict=True):
            if kind is not Kind.INVALID:
                continue
            if self._old and _OLD_INDEL(one):
                raise Unusable("old-indel", f"ALT {shown(one)} is an indel as VCF 3.3 writes it, without its bases")
            if one and _AMBIGUOUS(one):
                raise Unusable("ambiguous-bases", f"ALT {shown(one)} has an ambiguity code")
            raise Unusable("bad-alt", f"ALT {shown(one)} is neither bases nor an allele as VCF writes it")
        if fixed != alts:
            self._journal.repair("lower-case", "Lower-case bases in REF and ALT were written in upper case", number)
        return fixed, kinds

    def qual(self, number: int, qual: str) -> str:
        if self._old and qual in ("-1", "-1.0"):
            self._journal.repair("old-qual", 'QUAL -1, which means "missing" in VCF 3.x, was written as "."', number)
            return "."
        if len(qual) <= LONGEST_NUMBER and _NUMBER(qual):
            return qual
        self._journal.repair(
            "bad-qual", 'QUAL that is not a number was set to "."', number, f"QUAL {shown(qual)} was set to ."
        )
        return "."

    def filter(self, number: int, value: str) -> str:
        if not value:
            return "."
        if self._old and value == "0":
            self._journal.repair("old-filter", "FILTER 0, which means PASS in VCF 3.x, was written as PASS", number)
            return "PASS"
        for name in value.split(";"):
            if name in self.filters and name != ".":
                continue
            if name in ("", ".") or len(name) > LONGEST_NAME or _UNFIT_IN_FILTER(name):
                raise Unusable("bad-filter", f"FILTER {shown(value)} is not a list of names")
            if len(self.filters) >= 10_000:
                raise Unusable("too-many-tags", "the file uses more than 10,000 filters that it does not declare")
            self.filters.add(name)
            self.definitions.append(f'##FILTER=<ID={name},Description="Not described in the annotated file">')
            self._journal.repair(
                "undeclared-filter",
                "Filters that the header does not declare were declared",
                number,
                f"FILTER {shown(name)} was declared",
            )
        return value
