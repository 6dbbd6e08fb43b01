"""Filters by gene, region and term, which know how the file is sorted and what its numbers stand for."""

import re
from dataclasses import dataclass

from django import forms

from annotator.effects.terms import IMPACT
from gas.explorer.columns import ResultColumns
from gas.explorer.filter_kinds import Condition, Filter, Values, WordsField, either, every, words

_REGION = re.compile(r"(?P<contig>[^\s:]+?)(?::(?P<start>\d[\d,]{0,18})(?:(?:-|\.\.)(?P<end>\d[\d,]{0,18})?)?)?")
#: Beyond any contig, and within what a database calls an integer.
FAR = 2**53
MOST_REGIONS = 1000
#: Genes whose rows are named one by one; of more, the rows from the first to the last of all.
NAMED = 50


@dataclass(frozen=True)
class Region:
    """A part of a contig. start, end: 1-based and included."""

    contig: str
    start: int = 1
    end: int = FAR


def region(text: str, columns: ResultColumns) -> Region | None:
    """Return the region that a person means; None if the file has no such contig, or the text is no region."""
    found = _REGION.fullmatch(text)
    whole = columns.contig(text)
    if whole is not None:  # names of contigs may have colons
        return Region(whole)
    contig = columns.contig(found["contig"]) if found else None
    if found is None or contig is None:
        return None
    if found["start"] is None:
        return Region(contig)
    start = int(found["start"].replace(",", ""))
    end = int(found["end"].replace(",", "")) if found["end"] else (FAR if text.rstrip().endswith("-") else start)
    return Region(contig, start, end) if start <= end <= FAR else None


def _regions(text: str) -> list[str]:
    """Commas are within numbers as well as between regions."""
    return [one.strip(",") for one in re.split(r"[\s;]+|,(?=[^\d]|\d+:)", text) if one.strip(",")]


@dataclass(frozen=True)
class Genes(Filter):
    """Variants that touch one of some genes."""

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        return {self.name: WordsField(self.label, self.text, rows=2)}

    def named(self, values: Values, columns: ResultColumns) -> tuple[list[str], list[str]]:
        """Return the genes that the file has, by its own spelling, and the words that it does not have."""
        spelling = {name.casefold(): name for name in columns.genes}
        asked = words(values.get(self.name) or "")
        found = [spelling[one.casefold()] for one in asked if one.casefold() in spelling]
        return list(dict.fromkeys(found)), [one for one in asked if one.casefold() not in spelling]

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        if not words(values.get(self.name) or ""):
            return None
        genes, _ = self.named(values, columns)
        if not genes:
            return Condition("false")
        # Rows are numbered in the file's order, so that only groups of rows with these genes are read.
        spans = [columns.genes[gene] for gene in genes]
        if len(spans) > NAMED:
            spans = [(min(first for first, _ in spans), max(last for _, last in spans))]
        rows = either([Condition("row_number BETWEEN ? AND ?", span) for span in spans])
        return every([rows, Condition("list_has_any(genes, ?::VARCHAR[])", (genes,))])

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        asked = words(values.get(self.name) or "")
        more = f" and {len(asked) - 5} more" if len(asked) > 5 else ""
        return f"{self.label}: {' or '.join(asked[:5])}{more}" if asked else ""


@dataclass(frozen=True)
class Regions(Filter):
    """Variants that overlap one of some regions."""

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        return {self.name: WordsField(self.label, self.text)}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        asked = _regions(values.get(self.name) or "")
        found = [one for text in asked if (one := region(text, columns))]
        overlap = 'contig = ? AND pos <= ? AND "end" >= ?'
        return either([Condition(overlap, (one.contig, one.end, one.start)) for one in found]) if asked else None

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        asked = _regions(values.get(self.name) or "")
        more = f" and {len(asked) - 3} more" if len(asked) > 3 else ""
        return f"{self.label}: {' or '.join(asked[:3])}{more}" if asked else ""

    def errors(self, values: Values, columns: ResultColumns) -> dict[str, str]:
        asked = _regions(values.get(self.name) or "")
        if len(asked) > MOST_REGIONS:
            return {self.name: f"Give at most {MOST_REGIONS:,} regions."}
        wrong = next((one for one in asked if region(one, columns) is None), None)
        if wrong is None:
            return {}
        names = ", ".join(columns.contigs[:5])
        return {
            self.name: f"“{wrong[:60]}” is no region of this file. Write one like chr7:1000-2000. Contigs: {names}"
            f"{' …' if len(columns.contigs) > 5 else ''}."
        }


@dataclass(frozen=True)
class Terms(Filter):
    """Variants that have one of some terms in any transcript."""

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        choices = [(term, term.replace("_", " ")) for term in IMPACT]
        field = forms.MultipleChoiceField(choices=choices, required=False, label=self.label, help_text=self.text)
        return {self.name: field}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        chosen = set(values.get(self.name) or [])
        bits = sum(1 << number for number, term in enumerate(IMPACT) if term in chosen)
        return Condition("(term_bits & ?) <> 0", (bits,)) if bits else None

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        chosen = [term.replace("_", " ") for term in values.get(self.name) or []]
        return f"{self.label}: {' or '.join(chosen)}" if chosen else ""
