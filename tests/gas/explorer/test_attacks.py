"""What people write can neither become SQL, nor read a file, nor reach another job; and the engine could not either."""

from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pytest
from django import forms
from django.http import QueryDict

from gas.explorer import charts, export_formats, exports, query, search
from gas.explorer.columns import UnknownColumn
from gas.explorer.database import QueryRefused
from gas.explorer.filters import State, form_for
from gas.explorer.query import BadCursor, Order
from tests.support.explored import Explored, open_parquet

TEXTS = [
    "'",
    "''",
    '"',
    "\\",
    "%",
    "' OR 1=1 --",
    "') OR true --",
    "'; DROP VIEW variants; --",
    "x' UNION SELECT content FROM read_text('/etc/passwd') --",
    "read_csv('/etc/passwd')",
    "/etc/passwd",
    "?",
    "$1",
    "{gene}",
    "variants",
    "ALPHA' OR ''='",
    "chr1'); ATTACH 'x' AS y; --",
    "p.Arg1') OR true --",
    "chr1-5-A-T' OR 'a'='a",
    "1e999",
    "\x00",
    "\ud800".encode("utf-8", "replace").decode(),
    "a" * 5000,
    "\u202e\u0000ALPHA",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_field_of_the_form_turns_text_into_a_question(explored: Explored, text: str) -> None:
    """The question is the one that a harmless word gets, letter by letter; and it finds as little."""
    database = explored.database
    total = query.count(database, State([], database.columns))
    for name, field in form_for(database.columns).fields.items():
        form = form_for(database.columns, QueryDict(urlencode({name: text})))
        if form.is_valid() and not isinstance(field, forms.BooleanField):
            harmless = form_for(database.columns, QueryDict(urlencode({name: "harmless"})))
            assert harmless.is_valid()
            assert form.state().where.sql == harmless.state().where.sql
            assert query.count(database, form.state()) < total
    found = search.find(database, text)
    assert found.kind != search.Kind.VARIANTS
    assert query.count(database, State([], database.columns)) == total


@pytest.mark.parametrize("text", [*TEXTS, "term_bits", "csq", "rowid", "pos desc", 'pos" --', "(SELECT 1)", "-(1)"])
def test_only_columns_of_the_file_can_be_sorted_by_or_charted(explored: Explored, text: str) -> None:
    columns = explored.database.columns
    if text.strip("-"):
        with pytest.raises(UnknownColumn):
            Order.parse(text, columns)
    assert [column.name for column in columns.chosen([text, "pos"])] == ["pos"]
    assert columns.chosen([text]) == columns.default
    if text not in columns.by_name:
        with pytest.raises(UnknownColumn):
            charts.spectrum(explored.database, State([], columns), text)
    assert charts.lollipop(explored.database, State([], columns), text) is None


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "WyIiLDAsbnVsbCwiMSBPUiAxPTEiXQ", "WyJxdWFsIiwwLDEsMV0", "é", "A" * 9999]
)
def test_a_cursor_that_was_not_given_is_refused(explored: Explored, cursor: str) -> None:
    columns = explored.database.columns
    with pytest.raises(BadCursor):
        query.page(explored.database, State([], columns), columns.default, cursor=cursor)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another job's table, in the same folder as ours might be."""
    path = tmp_path / "other.parquet"
    duckdb.connect(":memory:").execute(f"COPY (SELECT 42 AS secret) TO '{path}' (FORMAT parquet)")
    return path


LOCKED = [
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM '{other}'",
    "SELECT * FROM read_parquet(['{own}', '{other}'], union_by_name = true)",
    "SELECT * FROM read_parquet('{folder}/*.parquet')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd', columns = {{'a': 'VARCHAR'}})",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{other}')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT * FROM read_parquet('s3://gas-results/results/1/annot.parquet')",
    "COPY (SELECT 1) TO '{folder}/new.csv'",
    "COPY variants TO '{folder}/new.parquet'",
    "EXPORT DATABASE '{folder}/new'",
    "ATTACH '{folder}/new.db'",
    "DELETE FROM result.rows",
    "CREATE TABLE result.mine AS SELECT 1",
    "ATTACH 'sqlite:/tmp/x'",
    "IMPORT DATABASE '/tmp'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '/tmp/x.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET allowed_paths = ['{other}']",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET temp_directory = '/tmp'",
    "SET allow_unsigned_extensions = true",
    "SET secret_directory = '/tmp'",
    "PRAGMA enable_external_access = true",
    "SELECT getenv('PATH')",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "SELECT * FROM TEXTS",
    "SELECT * FROM explored",
]


@pytest.mark.parametrize("sql", LOCKED)
def test_an_instance_can_read_its_own_file_and_nothing_else(explored: Explored, other: Path, sql: str) -> None:
    """Even if what people write became SQL."""
    own = explored.database.file.path
    text = sql.format(other=other, own=own, folder=other.parent)
    with pytest.raises(duckdb.Error):
        explored.database.ask(text)
    assert sorted(other.parent.iterdir()) == [other]
    assert explored.database.ask("SELECT count(*) FROM variants").rows == [(len(explored.alleles),)]


def test_the_instance_that_writes_an_export_cannot_write_anything_else(explored: Explored, tmp_path: Path) -> None:
    columns = explored.database.columns
    request = exports.Request(State([], columns), columns.default, Order(), "it's '); DROP VIEW variants; --")
    assert export_formats.parquet(explored.database, request, tmp_path / "it's.parquet") == len(explored.alleles)
    metadata = duckdb.connect(":memory:").execute(
        "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'citation'",
        [str(tmp_path / "it's.parquet")],
    )
    assert metadata.fetchall() == [(request.citation,)]
    assert [path.name for path in tmp_path.iterdir()] == ["it's.parquet"]


def test_a_question_that_takes_too_long_ends_with_one_sentence(explored: Explored) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE (a.range + b.range) % 7 = 3"
    with pytest.raises(QueryRefused, match=r"took longer than 0\.2 seconds and was stopped\. Narrow it"):
        explored.database.ask(endless, seconds=0.2)
    assert explored.database.ask("SELECT 1").rows == [(1,)]


def test_a_question_that_needs_too_much_memory_ends_with_one_sentence(explored: Explored) -> None:
    greedy = "SELECT list(a.range || repeat('x', 1000)) FROM range(100000000) a"
    with pytest.raises(QueryRefused, match="more memory than a question may have"):
        explored.database.ask(greedy, seconds=60)


def test_threads_that_ask_at_once_each_get_their_own_answer(explored: Explored) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(number: int) -> bool:
        return explored.database.ask(
            "SELECT ?, count(*) FROM variants WHERE row_number < ?", [number, number]
        ).rows == [(number, min(number, len(explored.alleles)))]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


def test_two_instances_write_what_memory_does_not_hold_into_folders_of_their_own(explored: Explored) -> None:
    file = explored.database.file
    other = open_parquet(file.path)
    try:
        folders = [one.ask("SELECT current_setting('temp_directory')").rows[0][0] for one in (explored.database, other)]
        assert folders[0] != folders[1]
    finally:
        other.close()
    assert not Path(folders[1]).exists()
