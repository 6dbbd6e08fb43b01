"""Empty tables after each test that commits, at a tenth of what Django's `flush` takes.

`flush` truncates ninety tables, most of them empty, and makes all content types and permissions anew. Here rows are
deleted where there are any, and these two tables, which no test changes, are left as the migrations made them.
"""

from functools import cache

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@cache
def _tables(alias: str) -> list[str]:
    return sorted(set(connections[alias].introspection.django_table_names(only_existing=True)) - KEPT)


def empty(alias: str) -> None:
    """Delete all rows. Foreign keys are looked at when the transaction ends: any order will do."""
    quote = connections[alias].ops.quote_name
    some = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})"  # noqa: S608 - names of our own tables
        for name in _tables(alias)
    )
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(some)
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quote(name)}")  # noqa: S608


def _teardown(case: TransactionTestCase) -> None:
    for alias in case._databases_names(include_mirrors=False):
        empty(alias)


def use() -> None:
    TransactionTestCase._fixture_teardown = _teardown
