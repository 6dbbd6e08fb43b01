"""The first rows that match, sorted by a column. NumPy is imported where it is needed, as DuckDB is."""

from typing import TYPE_CHECKING, Any

from annotator.tables.schema import Column, Kind
from gas.explorer import native
from gas.explorer.columns import quoted
from gas.explorer.database import TABLE, Database
from gas.explorer.selection import Selection, kept, nbytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows that are compared at once.
CHUNK = 2**18


def can_sort(column: Column) -> bool:
    """Return whether rows can be sorted by a column's `sort_values`."""
    return column.kind in {Kind.INTEGER, Kind.NUMBER} or column.name in native.CODED


def sort_values(database: Database, column: str) -> "NDArray[np.floating[Any]]":
    """Return what rows are sorted by: the numbers of a column, or of its texts; NaN for none. Raises QueryRefused."""
    import numpy as np  # noqa: PLC0415

    def find() -> "NDArray[np.floating[Any]]":
        sql = native.code(column) if column in native.CODED else quoted(column)
        found = np.ma.filled(database.arrays(f"SELECT {sql}::DOUBLE AS value FROM {TABLE}")["value"], np.nan)  # noqa: S608
        half = found.astype(np.float32)
        return half if np.array_equal(half, found, equal_nan=True) else found

    values: NDArray[np.floating[Any]] = kept.get((str(database.file.path), "sort", column), find, nbytes)
    return values


def first_sorted(
    selection: Selection,
    values: "NDArray[np.floating[Any]]",
    size: int,
    *,
    descending: bool,
    back: bool,
    place: int | None,
) -> list[int]:
    """Return the first rows that match, sorted by a column; rows without a value come last, ties along the genome.

    Args:
        values: `sort_values` of the column.
        size: how many, at most.
        back: from the end of this order to its begin.
        place: only rows that come after this one; None for all.
    """
    import numpy as np  # noqa: PLC0415

    after_value = place is not None and not np.isnan(values[place])
    missing_first = back
    found: list[int] = []
    for missing in (True, False) if missing_first else (False, True):
        left = size - len(found)
        if left <= 0:
            break
        if place is not None and after_value == missing_first and missing == missing_first:
            continue  # the place lies beyond all of these
        within = place if place is not None and after_value != missing else None
        if missing:
            found += _missing(selection, values, left, back=back, place=within)
        else:
            found += _present(selection, values, left, falling=descending != back, back=back, place=within)
    return found


def _chunks(rows: int, *, back: bool) -> list[tuple[int, int]]:
    found = [(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK)]
    return found[::-1] if back else found


def _missing(
    selection: Selection, values: "NDArray[np.floating[Any]]", size: int, *, back: bool, place: int | None
) -> list[int]:
    """Return rows without a value, along the genome or back."""
    import numpy as np  # noqa: PLC0415

    found: list[int] = []
    for start, end in _chunks(selection.rows, back=back):
        if len(found) >= size:
            break
        numbers = np.flatnonzero(selection.mask(start, end) & np.isnan(values[start:end])) + start
        if place is not None:
            numbers = numbers[numbers < place] if back else numbers[numbers > place]
        found += (numbers[::-1] if back else numbers)[: size - len(found)].tolist()
    return found


def _present(
    selection: Selection,
    values: "NDArray[np.floating[Any]]",
    size: int,
    *,
    falling: bool,
    back: bool,
    place: int | None,
) -> list[int]:
    """Return rows with a value, sorted by it; ties along the genome or back.

    Chunks are read in the order of ties. So a row comes in only if its value is better than the worst one so far.
    """
    import numpy as np  # noqa: PLC0415

    best, rows = np.empty(0), np.empty(0, np.int64)
    sign = -1.0 if falling else 1.0
    edge = sign * values[place] if place is not None else None
    for start, end in _chunks(selection.rows, back=back):
        chunk = values[start:end] * sign
        allowed = selection.mask(start, end) & ~np.isnan(chunk)
        if len(best) == size:
            allowed &= chunk < best[-1]
        if edge is not None and place is not None:
            numbers = np.arange(start, end)
            beyond = numbers < place if back else numbers > place
            allowed &= (chunk > edge) | ((chunk == edge) & beyond)
        new = np.flatnonzero(allowed)
        if len(new) > size:
            new = new[chunk[new] <= np.partition(chunk[new], size - 1)[size - 1]]
        best, rows = np.append(best, chunk[new]), np.append(rows, new + start)
        order = np.lexsort((-rows if back else rows, best))[:size]
        best, rows = best[order], rows[order]
    return [int(one) for one in rows]
