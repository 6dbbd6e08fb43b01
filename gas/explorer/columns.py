"""The columns that a result's file has. No other name can become part of a query."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from annotator.tables.schema import (
    TRANSCRIPTS,
    Column,
    Kind,
    Metadata,
    SourceColumn,
    columns_of,
    sample_column,
)

#: Columns that a table shows until a person chooses others. The first source columns and the genotypes follow.
DEFAULT = ("contig", "pos", "ref", "alt", "gene", "consequence", "impact", "hgvs_c", "hgvs_p", "significance", "known")
#: Columns that name a variant. Tables show them as one, which is always there; exports begin with them.
IDENTITY = ("contig", "pos", "ref", "alt")
#: The parameter of addresses that has the names of columns, joined by commas.
COLUMNS = "columns"
#: Columns that serve queries, and are not offered in tables and exports.
INTERNAL = frozenset({"term_bits", TRANSCRIPTS.name, "genes", "terms"})
_FREQUENCY_NAMES = ("af", "freq", "caf")


class UnknownColumn(Exception):
    """The file has no such column."""


def quoted(name: str) -> str:
    """Return the name of a column as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class ResultColumns:
    """The columns of one file.

    metadata: what the file says of itself.
    genes: the first and the last row of each name of a gene or a region.
    """

    metadata: Metadata
    genes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Return what names files with the same columns, samples, sources and contigs in caches."""
        return hashlib.sha256(self.metadata.to_json().encode()).hexdigest()

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Every column, in the file's order."""
        return {column.name: column for column in columns_of(self.metadata)}

    def get(self, name: str) -> Column:
        """Return a column. Raises UnknownColumn."""
        try:
            return self.by_name[name]
        except KeyError:
            raise UnknownColumn(name) from None

    def sql(self, name: str) -> str:
        """Return a column's name as SQL has it. Raises UnknownColumn."""
        return quoted(self.get(name).name)

    @cached_property
    def shown(self) -> list[Column]:
        """Columns that people may choose for tables and exports, and sort by."""
        return [column for name, column in self.by_name.items() if name not in INTERNAL]

    def chosen(self, names: list[str]) -> list[Column]:
        """Return the named columns that may be shown, in this order, each once; the default ones if there are none."""
        allowed = {column.name: column for column in self.shown}
        found = [allowed[name] for name in dict.fromkeys(names) if name in allowed]
        return found or self.default

    def of_address(self, texts: list[str], remembered: list[str] | None = None) -> list[Column]:
        """Return the columns that an address asks for, without those that name a variant.

        Args:
            texts: values of the parameter COLUMNS.
            remembered: names for an address that has none; the usual ones if there are none.
        """
        names = [name for text in texts for name in text.split(",") if name] or remembered or []
        found = [one for one in self.chosen(names) if one.name not in IDENTITY]
        return found or [one for one in self.default if one.name not in IDENTITY]

    @cached_property
    def default(self) -> list[Column]:
        """Columns that are shown until a person chooses others."""
        names = [*DEFAULT, *(one.name for one in self.frequencies[:1])]
        if self.metadata.has_genotypes:
            names += [sample_column(number, "gt") for number in range(1, min(len(self.samples), 3) + 1)]
        return [self.by_name[name] for name in names]

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of samples that have columns of their own; their numbers count from 1."""
        return self.metadata.samples if self.metadata.has_genotypes else ()

    @cached_property
    def frequencies(self) -> list[SourceColumn]:
        """Number columns of sources that hold allele frequencies, as far as their names tell."""
        numbers = [one for one in self.metadata.sources if one.kind == Kind.NUMBER]
        return [one for one in numbers if any(part in _FREQUENCY_NAMES for part in one.tag.casefold().split("_"))]

    @cached_property
    def contigs(self) -> list[str]:
        """Names of contigs, in the file's order."""
        return [name for name, _ in self.metadata.contigs]

    def contig(self, name: str) -> str | None:
        """Return the file's name of a contig that a person calls `name`; None if it has none.

        chr7 and 7 are the same, as are M, MT, chrM and chrMT, in whatever case.
        """
        if name in self.contigs:
            return name
        plain = {plain_contig(one): one for one in reversed(self.contigs)}
        return plain.get(plain_contig(name))


def plain_contig(contig: str) -> str:
    """Return the name that files with and without chr have in common, in lower case; mt for the mitochondrion."""
    name = contig.casefold().removeprefix("chr")
    return "mt" if name == "m" else name
