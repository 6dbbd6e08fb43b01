"""A result's variants, open with DuckDB.

Each result has an instance of its own, which may read its two files and nothing else: no other job's, no other path, no
network, no extension. Its settings are locked before the first question. Instances are made in the process that asks,
after any fork, and few are kept open at once. Each question has a cursor of its own, since threads that share a
connection get wrong rows.
"""

import json
import logging
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from annotator.tables.schema import GENES_KEY, METADATA_KEY, TRANSCRIPTS, Metadata
from gas.explorer import native
from gas.explorer.columns import ResultColumns
from gas.explorer.files import SPILL, LocalFile

if TYPE_CHECKING:
    import duckdb
    import numpy as np

log = logging.getLogger(__name__)

#: What questions call the table of variants, without their transcripts; and the one with row_number and transcripts.
TABLE, TRANSCRIPT_TABLE = "variants", "transcripts"
#: Files that are open at once in a process; the one that was asked longest ago is closed for another.
OPEN_FILES = 8
TOO_LONG = "This question took longer than {seconds:g} seconds and was stopped. Narrow it, such as to a gene."
TOO_MUCH = "This question needs more memory than a question may have. Narrow it, such as to a gene."


class QueryRefused(Exception):
    """The question was stopped; its text is a sentence for people."""


class NotReadable(Exception):
    """The file is not one of the service's, or is of an earlier version."""


@dataclass(frozen=True)
class Answer:
    """Rows of a question, and the names of their columns."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Database:
    """One file, open. Any thread may ask."""

    def __init__(self, file: LocalFile, rows: LocalFile, target: Path | None = None) -> None:
        """Open it; the database holds both files until `close`. Raises NotReadable.

        Args:
            file: the Parquet file.
            rows: what `native.make` has made of it.
            target: another file, which it may write.
        """
        self.file, self.rows = file, rows
        self.users = 0
        # One for each instance: two instances that write to one folder overwrite each other's files.
        self._temporary = tempfile.mkdtemp(prefix=f"{SPILL}{os.getpid()}-", dir=file.path.parent)
        try:
            self._connection = _connect(file.path, rows.path, target, self._temporary)
        except Exception:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise

    @cached_property
    def columns(self) -> ResultColumns:
        """What the file has."""
        return ResultColumns(self.metadata, self._key(GENES_KEY, {}))

    @cached_property
    def metadata(self) -> Metadata:
        """What the file says of itself: version 1 if that is nothing."""
        try:
            found = self._key(METADATA_KEY, None)
            return Metadata() if found is None else Metadata.from_json(json.dumps(found))
        except (KeyError, TypeError, ValueError) as error:
            raise NotReadable(f"{self.file.path}: {error!r}") from error

    def _key(self, key: str, default: Any) -> Any:
        rows = self.ask(f"SELECT value FROM result.{native.METADATA} WHERE key = ?", [key]).rows  # noqa: S608
        return json.loads(rows[0][0]) if rows else default

    def ask(self, sql: str, params: Sequence[Any] = (), *, seconds: float | None = None) -> Answer:
        """Return all rows of a question.

        Args:
            sql: names TABLE; made of text of this package and of names of `ResultColumns`, never of what people write.
            params: the values of its `?`.
            seconds: the longest time; None for EXPLORER_QUERY_SECONDS.

        Raises:
            QueryRefused: it took too long, or too much memory.
        """
        with self._asked(sql, params, seconds) as cursor:
            return Answer([name for name, *_ in cursor.description or ()], cursor.fetchall())

    def arrays(self, sql: str, params: Sequence[Any] = ()) -> "dict[str, np.ma.MaskedArray[Any, Any]]":
        """Return each column of a question as an array, in which nulls are masked. As `ask`."""
        import numpy as np  # noqa: PLC0415 - as DuckDB

        with _whole_columns, self._asked(sql, params, None) as cursor:
            return {name: np.ma.asarray(values) for name, values in cursor.fetchnumpy().items()}

    def stream(
        self, sql: str, params: Sequence[Any] = (), *, seconds: float | None = None, at_once: int = 1000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a question, `at_once` at a time. As `ask`; the time includes what the caller does."""
        with self._asked(sql, params, seconds) as cursor:
            while rows := cursor.fetchmany(at_once):
                yield rows

    @contextmanager
    def _asked(self, sql: str, params: Sequence[Any], seconds: float | None) -> Iterator["duckdb.DuckDBPyConnection"]:
        import duckdb  # noqa: PLC0415 - has threads

        limit = settings.EXPLORER_QUERY_SECONDS if seconds is None else seconds
        cursor = self._connection.cursor()
        timer = threading.Timer(limit, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            cursor.execute(sql, list(params))
            yield cursor
        except duckdb.InterruptException as error:
            raise QueryRefused(TOO_LONG.format(seconds=limit)) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryRefused(TOO_MUCH) from error
        finally:
            timer.cancel()
            cursor.close()

    def close(self) -> None:
        """Let go of the files."""
        self.disconnect()
        self.file.close()
        self.rows.close()

    def disconnect(self) -> None:
        """End the instance, and keep the files."""
        self._connection.close()
        shutil.rmtree(self._temporary, ignore_errors=True)


def write_parquet(
    database: Database, sql: str, params: Sequence[Any], target: Path, citation: str, *, seconds: float
) -> int:
    """Write the rows of a question to a Parquet file, and return how many there are.

    It has an instance of its own, which can write this file and nothing else.

    Raises:
        QueryRefused: see `Database.ask`.
    """
    writer = Database(database.file, database.rows, target)
    try:
        form = "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false, KV_METADATA {citation: ?}"
        copy = f"COPY ({sql}) TO '{native.literal(target)}' ({form})"
        return int(writer.ask(copy, [*params, citation], seconds=seconds).rows[0][0])
    finally:
        writer.disconnect()


def _connect(parquet: Path, rows: Path, target: Path | None, temporary: str) -> "duckdb.DuckDBPyConnection":
    """Open a locked instance that can read a result's files, and write another file."""
    import duckdb  # noqa: PLC0415 - has threads

    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{settings.EXPLORER_MEMORY_BYTES // 1024}KiB",
            "threads": settings.EXPLORER_THREADS,
            "temp_directory": temporary,
            "max_temp_directory_size": f"{settings.EXPLORER_TEMPORARY_BYTES // 1024}KiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_unsigned_extensions": False,
            "python_enable_replacements": False,  # a table's name is never a Python variable
            "enable_external_file_cache": False,  # the system keeps what is read often
        },
    )
    try:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET parquet_metadata_cache = true")  # files never change under their name
        connection.execute(f"ATTACH '{native.literal(rows)}' AS result (READ_ONLY)")
        connection.execute("SET allowed_paths = ?", [[str(one) for one in (parquet, target) if one is not None]])
        connection.execute("SET enable_external_access = false")
        connection.execute(f"CREATE VIEW {TABLE} AS SELECT * FROM result.{native.ROWS}")  # noqa: S608
        connection.execute(
            f"CREATE VIEW {TRANSCRIPT_TABLE} AS SELECT row_number, {TRANSCRIPTS.name} "  # noqa: S608
            f"FROM read_parquet('{native.literal(parquet)}')"
        )
        connection.execute("SET lock_configuration = true")
    except duckdb.OutOfMemoryException as error:
        connection.close()
        raise QueryRefused(TOO_MUCH) from error
    except duckdb.Error as error:
        connection.close()
        raise NotReadable(f"{parquet}: {error}") from error
    return connection


#: Whole columns that are read at once in a process: each takes tens of megabytes, and all of DuckDB's threads.
_whole_columns = threading.BoundedSemaphore(2)
_guard = threading.Lock()
_open: OrderedDict[str, Database] = OrderedDict()
_owner = 0


@contextmanager
def opened(file: LocalFile, rows: LocalFile) -> Iterator[Database]:
    """Ask a result, which may be open already. Takes over its files. Raises NotReadable."""
    database = _take(file, rows)
    try:
        yield database
    finally:
        with _guard:
            database.users -= 1
        _close_some()


def _take(file: LocalFile, rows: LocalFile) -> Database:
    global _owner  # noqa: PLW0603 - one per process
    with _guard:
        if _owner != os.getpid():  # what a parent had open is the parent's
            _open.clear()
            _owner = os.getpid()
        key = str(file.path)
        found = _open.get(key)
        if found is None:
            try:
                found = _open[key] = Database(file, rows)
            except Exception:
                file.close()
                rows.close()
                raise
        else:
            file.close()
            rows.close()
        _open.move_to_end(key)
        found.users += 1
        return found


def _close_some() -> None:
    with _guard:
        idle = [key for key, database in _open.items() if not database.users]
        for key in idle[: max(0, len(_open) - OPEN_FILES)]:
            _open.pop(key).close()


def close_all() -> None:
    """Close what nobody asks just now, such as at the end of a test."""
    with _guard:
        for key in [key for key, database in _open.items() if not database.users]:
            _open.pop(key).close()
