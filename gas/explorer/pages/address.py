"""What is asked of a table, as an address has it: each filter's fields, the order, the columns, and the place."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django.http import QueryDict

from gas.explorer.columns import COLUMNS
from gas.explorer.filters import FilterForm
from gas.explorer.ordering import SORT

CURSOR = "cursor"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """The parameters of an address that mean something, in the form's order, without empty ones.

    filters: of the form's fields. others: the order and the columns.
    """

    path: str
    filters: Pairs
    others: Pairs = ()

    @classmethod
    def of(cls, path: str, data: QueryDict, form: FilterForm) -> "Address":
        """Read it from a request's parameters. What the form does not know is left out."""
        return cls(path, _pairs(data, form.fields), _pairs(data, (SORT, COLUMNS)))

    @property
    def query(self) -> str:
        """The parameters, encoded; "" if there are none."""
        return _encoded((*self.filters, *self.others))

    @property
    def filter_query(self) -> str:
        """Those of filters alone: what a saved filter keeps."""
        return _encoded(self.filters)

    def __str__(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    def values(self, name: str) -> list[str]:
        """Return the values of a filter's field."""
        return [value for one, value in self.filters if one == name]

    def without(self, names: Iterable[str]) -> "Address":
        """Return the address without these fields."""
        gone = set(names)
        return Address(self.path, tuple(pair for pair in self.filters if pair[0] not in gone), self.others)

    def with_values(self, values: Iterable[tuple[str, Iterable[str]]]) -> "Address":
        """Return the address with these values in place of those that the fields have."""
        chosen = [(name, list(found)) for name, found in values]
        rest = self.without(name for name, _ in chosen)
        added = tuple((name, value) for name, found in chosen for value in found)
        return Address(self.path, (*rest.filters, *added), self.others)

    def toggled(self, name: str, value: str, *, several: bool) -> "Address":
        """Return the address with a value added to a field, or taken from it. several: the field has many at once."""
        present = self.values(name)
        if value in present:
            return self.with_values([(name, [one for one in present if one != value])])
        return self.with_values([(name, [*present, value] if several else [value])])

    def other(self, name: str, value: str) -> "Address":
        """Return the address with another order or other columns; "" for none."""
        rest = tuple(pair for pair in self.others if pair[0] != name)
        return Address(self.path, self.filters, (*rest, (name, value)) if value else rest)

    def at(self, cursor: str) -> str:
        """Return the address of another page of rows."""
        return f"{self.path}?{_encoded((*self.filters, *self.others, (CURSOR, cursor)))}"


def _encoded(pairs: Pairs) -> str:
    """As `urlencode`. A page has some hundred addresses, of the same few parameters."""
    return "&".join(_parameter(name, value) for name, value in pairs)


@lru_cache(4096)
def _parameter(name: str, value: str) -> str:
    return urlencode([(name, value)])


def _pairs(data: QueryDict, names: Iterable[str]) -> Pairs:
    found = ((name, value.strip()) for name in names for value in dict.fromkeys(data.getlist(name)))
    return tuple((name, value) for name, value in found if value)
