"""Empty tables after each test that commits, at a tenth of what Django's `flush` takes.

`flush` truncates ninety tables, most of them empty, and creates all content types and permissions again. Here rows are
deleted where there are any, and these two tables, which no test changes, are left as the migrations made them. What
else the migrations have put in is put in again, so that no test depends on what ran before it.
"""

from functools import cache
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
#: {alias: [(statement, rows)]}
_initial: dict[str, list[tuple[str, list[Any]]]] = {}


@cache
def _tables(alias: str) -> list[str]:
    return sorted(set(connections[alias].introspection.django_table_names(only_existing=True)) - KEPT)


def _full(alias: str, cursor: Any) -> list[str]:
    """Tables that have rows."""
    quote = connections[alias].ops.quote_name
    each = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})" for name in _tables(alias))  # noqa: S608
    cursor.execute(" UNION ALL ".join(each))
    return [name for (name,) in cursor.fetchall()]


def remember() -> None:
    """What the migrations have put in: to be called before any test."""
    for alias in connections:
        quote = connections[alias].ops.quote_name
        _initial[alias] = []
        with connections[alias].cursor() as cursor:
            for name in _full(alias, cursor):
                cursor.execute(f"SELECT * FROM {quote(name)}")  # noqa: S608
                columns = [quote(column[0]) for column in cursor.description]
                values = ", ".join(["%s"] * len(columns))
                statement = f"INSERT INTO {quote(name)} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608
                _initial[alias].append((statement, cursor.fetchall()))


def empty(alias: str) -> None:
    """Delete all rows but the first ones. Foreign keys are looked at when the transaction ends: any order will do."""
    quote = connections[alias].ops.quote_name
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for name in _full(alias, cursor):
            cursor.execute(f"DELETE FROM {quote(name)}")  # noqa: S608
        for statement, rows in _initial[alias]:
            cursor.executemany(statement, rows)


def _teardown(case: TransactionTestCase) -> None:
    for alias in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        empty(alias)


def use() -> None:
    TransactionTestCase._fixture_teardown = _teardown  # type: ignore[attr-defined]
