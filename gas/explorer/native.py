"""A result's variants in DuckDB's own format, which is made on the web machine from the Parquet file.

Parquet is compact and read by groups of rows: to show fifty rows that lie anywhere, DuckDB would unpack most of the
file. Its own format has an index of row numbers, and columns that are compared without being unpacked. Transcripts stay
in the Parquet file: they are the larger part of it, and are read for single variants and genes.

`python -m gas.explorer.native PARQUET TARGET BYTES TEMPORARY` makes the file in a process of its own.
"""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.tables.schema import TRANSCRIPTS

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

#: Counts up whenever the tables in the file change; files of other versions are not found, and make room in time.
VERSION = 2
#: What the file's name ends with, after the SHA-256 of the Parquet file.
ENDING = f".v{VERSION}.duckdb"
#: The tables: rows with the columns of the Parquet file, and what that file says of itself.
ROWS, METADATA = "rows", "metadata"
#: More tables, for facets: the rows with each value of a column in FEW as bits, and for a column in RUNS the first row
#: of each run of equal texts, with the number of the text.
BITS, STARTS = "bits", "starts"
#: Text columns that have a number for each value, in the order of the values; see `code`.
CODED = ("contig", "type", "gene", "consequence", "impact", "significance")
#: Facets whose values have bits of their own, and those whose values lie in runs, since rows are along the genome.
FEW, RUNS = ("consequence", "type", "significance"), ("contig", "gene")
#: Bytes that the file takes for each byte of the Parquet file, at most, as far as is known before it is made.
GROWTH = 3
#: What `main` returns if the fault is not the Parquet file's.
NO_ROOM = 75

log = logging.getLogger(__name__)


def code(column: str) -> str:
    """Return the column with the numbers of a text column's values; null where there is no text."""
    return f"{column}_code"


def values(column: str) -> str:
    """Return the table with the texts of a coded column: code, value."""
    return f"{column}_values"


def literal(path: Path) -> str:
    """Return a path as the inside of an SQL string."""
    return str(path).replace("'", "''")


def make(parquet: Path, target: Path, *, memory_bytes: int, temporary: Path) -> None:
    """Write `target` from a Parquet file. Raises duckdb.Error if that is not one of the annotator's.

    Args:
        memory_bytes: the most that DuckDB uses.
        temporary: a folder for what memory does not hold.
    """
    import duckdb  # noqa: PLC0415 - has threads

    config = {
        "memory_limit": f"{memory_bytes // 1024}KiB",
        "threads": 1,  # people use the other cores meanwhile
        "temp_directory": str(temporary),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:  # type: ignore[arg-type]
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"ATTACH '{literal(target)}' AS result")
        source, codes = f"read_parquet('{literal(parquet)}')", []
        for column in CODED:
            connection.execute(
                f"CREATE TABLE result.{values(column)} AS SELECT (row_number() OVER (ORDER BY {column}) - 1)::INTEGER "  # noqa: S608
                f"AS code, {column} AS value FROM (SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL)"
            )
            if connection.table(f"result.{values(column)}").limit(1).fetchall():
                connection.execute(
                    f"CREATE TYPE {column}_type AS ENUM (SELECT value FROM result.{values(column)} ORDER BY code)"  # noqa: S608
                )
                codes.append(f"enum_code({column}::{column}_type) AS {code(column)}")
            else:
                codes.append(f"NULL::INTEGER AS {code(column)}")
        connection.execute(
            f"CREATE TABLE result.{ROWS} AS SELECT * EXCLUDE ({TRANSCRIPTS.name}), {', '.join(codes)} FROM {source}"  # noqa: S608
        )
        connection.execute(f"CREATE UNIQUE INDEX by_number ON result.{ROWS} (row_number)")
        _count(connection)
        connection.execute(
            f"CREATE TABLE result.{METADATA} AS SELECT decode(key) AS key, decode(value) AS value "  # noqa: S608
            f"FROM parquet_kv_metadata('{literal(parquet)}') WHERE decode(key) LIKE 'gas%'"
        )
        connection.execute("CHECKPOINT result")


def packed(mask: "NDArray[np.bool_]") -> "NDArray[np.uint64]":
    """Return whether each row is meant as bits: bit `r % 64` of word `r // 64` is row `r`."""
    import numpy as np  # noqa: PLC0415

    found = np.packbits(mask, bitorder="little")
    return np.pad(found, (0, -len(found) % 8)).view(np.uint64)


def _count(connection: "duckdb.DuckDBPyConnection") -> None:
    """Write BITS and STARTS."""
    import numpy as np  # noqa: PLC0415

    connection.execute(f"CREATE TABLE result.{BITS} (name VARCHAR, value VARCHAR, bits BLOB)")
    connection.execute(f"CREATE TABLE result.{STARTS} (name VARCHAR, starts BLOB, texts BLOB)")
    for column in (*FEW, *RUNS):
        sql = f"SELECT value FROM result.{values(column)} ORDER BY code"  # noqa: S608
        texts = [row[0] for row in connection.execute(sql).fetchall()]
        # The order of a table without filters is that of its rows.
        sql = f"SELECT coalesce({code(column)}::INTEGER, ?) AS code FROM result.{ROWS}"  # noqa: S608
        codes = np.asarray(connection.execute(sql, [len(texts)]).fetchnumpy()["code"], np.int32)
        if column in FEW:
            for number in np.flatnonzero(np.bincount(codes, minlength=len(texts) + 1)):
                value, bits = [*texts, None][number], packed(codes == number).tobytes()
                connection.execute(f"INSERT INTO result.{BITS} VALUES (?, ?, ?)", [column, value, bits])  # noqa: S608
        else:
            starts = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))[: len(codes)]
            blobs = [starts.astype(np.int32).tobytes(), codes[starts].tobytes()]
            connection.execute(f"INSERT INTO result.{STARTS} VALUES (?, ?, ?)", [column, *blobs])  # noqa: S608


def main(arguments: Sequence[str]) -> int:
    """Make a file as the module's text says. Returns 0, NO_ROOM, or 1 for a file that is not one of the annotator's."""
    import duckdb  # noqa: PLC0415 - has threads

    parquet, target, memory_bytes, temporary = arguments
    try:
        make(Path(parquet), Path(target), memory_bytes=int(memory_bytes), temporary=Path(temporary))
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        log.error("%s: %s", parquet, error)
        return NO_ROOM
    except duckdb.Error as error:
        log.error("%s: %s", parquet, error)
        return 1
    return 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(sys.argv[1:]))
