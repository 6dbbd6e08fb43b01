"""Which rows match, as bits: a filter's rows are found once, and combinations of filters are combinations of bits.

A file never changes, so a process keeps what it has found: the rows of each filter, the rows of each value that facets
count, and the columns that rows are sorted by. All of it is bounded together, whatever file it is of. A bit costs less
to keep and to combine than a number or a query: five million rows are 625 KB.

Bit `r % 64` of word `r // 64` is row `r`. NumPy is imported where it is needed, as DuckDB is.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from gas.explorer import native
from gas.explorer.database import TABLE, Database
from gas.explorer.filter_kinds import Condition
from gas.explorer.filters import State
from gas.explorer.kept import Kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bits = NDArray[np.uint64]

#: Bytes of all that a process keeps.
CACHE_BYTES = 96 * 1024**2
#: What joins several values in a text of a facet.
JOINTS = {"gene": ", "}


kept = Kept(CACHE_BYTES)


def _hashable(params: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(one) if isinstance(one, list) else one for one in params)


def key_of(database: Database, *conditions: Condition) -> Hashable:
    """Return what names conditions on a file in caches."""
    return (str(database.file.path), *((one.sql, _hashable(one.params)) for one in conditions))


@dataclass(frozen=True)
class Selection:
    """The rows that match. rows: of the file."""

    bits: "Bits"
    rows: int

    @cached_property
    def before(self) -> "NDArray[np.int64]":
        """How many rows match before each word, and at last how many there are."""
        import numpy as np  # noqa: PLC0415

        return np.concatenate(([0], np.cumsum(np.bitwise_count(self.bits), dtype=np.int64)))

    @property
    def total(self) -> int:
        """How many rows match."""
        return int(self.before[-1])

    def common(self, bits: "Bits") -> int:
        """Return how many rows match that other bits have as well."""
        import numpy as np  # noqa: PLC0415

        return int(np.bitwise_count(self.bits & bits).sum(dtype=np.int64))

    def mask(self, start: int, end: int) -> "NDArray[np.bool_]":
        """Return whether each of some rows matches. start: a multiple of 64."""
        import numpy as np  # noqa: PLC0415

        words = self.bits[start // 64 : -(-end // 64)]
        return np.unpackbits(words.view(np.uint8), count=end - start, bitorder="little").view(np.bool_)

    def counts_before(self, numbers: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Return how many rows match before each of some rows."""
        import numpy as np  # noqa: PLC0415

        words, rest = numbers >> 6, (numbers & 63).astype(np.uint64)
        within = np.append(self.bits, np.uint64(0))[words] & ((np.uint64(1) << rest) - np.uint64(1))
        before: NDArray[np.int64] = self.before[words] + np.bitwise_count(within)
        return before

    def following(self, number: int, size: int) -> list[int]:
        """Return the first rows that match from a row on."""
        import numpy as np  # noqa: PLC0415

        if number >= self.rows or size <= 0:
            return []
        seen = int(self.counts_before(np.array([max(0, number)]))[0])
        return self._between(seen, min(seen + size, self.total))

    def preceding(self, number: int, size: int) -> list[int]:
        """Return the last rows that match before a row, the last one first."""
        import numpy as np  # noqa: PLC0415

        seen = int(self.counts_before(np.array([min(number, self.rows)]))[0])
        return self._between(max(0, seen - size), seen)[::-1]

    def _between(self, first: int, last: int) -> list[int]:
        """Return the rows from the one with `first` before it to the one with `last` before it, without that one."""
        import numpy as np  # noqa: PLC0415

        if first >= last:
            return []
        start = int(np.searchsorted(self.before, first, side="right")) - 1
        end = int(np.searchsorted(self.before, last, side="left"))
        found = np.flatnonzero(self.mask(start * 64, end * 64)) + start * 64
        skipped = first - int(self.before[start])
        return [int(one) for one in found[skipped : skipped + last - first]]


def select(database: Database, state: State) -> Selection:
    """Return the rows that match. Raises QueryRefused."""
    import numpy as np  # noqa: PLC0415

    rows = row_count(database)
    bits = native.packed(np.ones(rows, np.bool_))
    for part in state.parts:
        bits &= kept.get(key_of(database, part), partial(_found, database, part, rows), nbytes)
    return Selection(bits, rows)


def row_count(database: Database) -> int:
    """Return how many rows a file has."""
    found: int = kept.get(
        (str(database.file.path), "rows"),
        lambda: database.ask(f"SELECT count(*) FROM {TABLE}").rows[0][0],  # noqa: S608
        lambda _: 8,
    )
    return found


def nbytes(found: "NDArray[Any]") -> int:
    """Return the bytes that an array takes."""
    return found.nbytes


def _found(database: Database, condition: Condition, rows: int) -> "Bits":
    import numpy as np  # noqa: PLC0415

    mask = np.zeros(rows, np.bool_)
    numbers = database.arrays(
        f"SELECT row_number::INTEGER AS number FROM {TABLE} WHERE {condition.sql}",  # noqa: S608
        condition.params,
    )["number"]
    mask[numbers.data] = True
    return native.packed(mask)


@dataclass(frozen=True)
class Runs:
    """A column whose equal texts lie together.

    starts: the first row of each run, and at last the number of rows.
    texts: the number of each run's text, of `different` ones; `different` itself for none.
    names: sorted.
    pairs: numbers of a text and of a name in it. A list of genes has several names.
    """

    starts: "NDArray[np.int64]"
    texts: "NDArray[np.int64]"
    different: int
    names: list[str]
    pairs: "NDArray[np.int64]"

    @property
    def size(self) -> int:
        """Bytes, about."""
        return self.starts.nbytes + self.texts.nbytes + self.pairs.nbytes + 80 * len(self.names)

    def tally(self, selection: Selection, most: int) -> tuple[dict[str | None, int], int]:
        """Return how many rows match for each of the `most` commonest names, and how many other names there are."""
        import numpy as np  # noqa: PLC0415

        of_runs = np.diff(selection.counts_before(self.starts))
        of_texts = np.bincount(self.texts, weights=of_runs, minlength=self.different)
        counts = np.bincount(self.pairs[1], weights=of_texts[self.pairs[0]], minlength=len(self.names)).astype(np.int64)
        found = np.flatnonzero(counts)
        if len(found) > most:
            found = found[counts[found] >= np.partition(counts[found], -most)[-most]]
        found = found[np.lexsort((found, -counts[found]))][:most]
        return {self.names[one]: int(counts[one]) for one in found}, int(np.count_nonzero(counts)) - len(found)


@dataclass(frozen=True)
class FacetBits:
    """What facets are counted by.

    few: of each column in FEW, each value that the file has with the bits of its rows; None for no value.
    runs: of each column in RUNS.
    """

    few: dict[str, list[tuple[str | None, "Bits"]]]
    runs: dict[str, Runs]

    @property
    def size(self) -> int:
        """Bytes, about."""
        bits = sum(one.nbytes for some in self.few.values() for _, one in some)
        return bits + sum(one.size for one in self.runs.values())


def facet_bits(database: Database) -> FacetBits:
    """Return what a file's facets are counted by. Raises QueryRefused."""
    key = (str(database.file.path), "facets")
    found: FacetBits = kept.get(key, lambda: _facet_bits(database), lambda one: one.size)
    return found


def _facet_bits(database: Database) -> FacetBits:
    import numpy as np  # noqa: PLC0415

    few: dict[str, list[tuple[str | None, Bits]]] = {name: [] for name in native.FEW}
    for name, value, bits in database.ask(f"SELECT name, value, bits FROM result.{native.BITS}").rows:  # noqa: S608
        few[name].append((value, np.frombuffer(bits, np.uint64)))
    runs = {
        name: _runs(database, name, np.frombuffer(starts, np.int32), np.frombuffer(texts, np.int32))
        for name, starts, texts in database.ask(f"SELECT name, starts, texts FROM result.{native.STARTS}").rows  # noqa: S608
    }
    return FacetBits(few, runs)


def _runs(database: Database, column: str, starts: "NDArray[np.int32]", codes: "NDArray[np.int32]") -> Runs:
    import numpy as np  # noqa: PLC0415

    texts = database.ask(f"SELECT value FROM result.{native.values(column)} ORDER BY code").rows  # noqa: S608
    joint = JOINTS.get(column)
    parts = [text.split(joint) if joint else [text] for (text,) in texts]
    names = sorted({name for some in parts for name in some})
    places = {name: place for place, name in enumerate(names)}
    pairs = [(number, places[name]) for number, some in enumerate(parts) for name in some]
    ends = np.append(starts.astype(np.int64), row_count(database))
    return Runs(ends, codes.astype(np.int64), len(texts), names, np.array(pairs, np.int64).reshape(-1, 2).T.copy())
