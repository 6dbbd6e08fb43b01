"""Promise: a process of the release before still inserts rows after the migrations of this one have run."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED

from gas import clock
from gas.jobs.models import Job, Removal
from gas.users.models import User

pytestmark = pytest.mark.django_db

#: The last migrations that never ran alongside a process that did not know their columns.
FIRST = {"jobs": "0006", "mail": "0000", "subscriptions": "0003", "users": "0002"}


def added_columns() -> Iterator[tuple[str, str, str, AddField]]:
    """Columns that a migration adds to a table and that may not be null: (app, model, column, operation)."""
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        for step in migration.operations if name[:4] > FIRST.get(app, "9999") else ():
            if isinstance(step, AddField) and not step.field.null and not step.field.many_to_many:
                yield app, step.model_name_lower, step.name, step


def test_the_database_itself_has_a_default_for_every_column_that_a_migration_adds() -> None:
    added = list(added_columns())
    assert ("jobs", "job", "faults") in {column[:3] for column in added}
    assert [column[:3] for column in added if column[3].field.db_default is NOT_PROVIDED] == []


def insert_without(row: Model, column: str) -> None:
    """Insert the row again, as a process does that does not know the column."""
    table = row._meta.db_table
    columns = ", ".join(f'"{field.column}"' for field in row._meta.concrete_fields if field.column != column)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TEMPORARY TABLE kept AS SELECT {columns} FROM "{table}"')  # noqa: S608  (our own names)
        cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608
        cursor.execute(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM kept')  # noqa: S608
        cursor.execute("DROP TABLE kept")


def user() -> User:
    return User.objects.create(email="ada@lab.example")


def removal() -> Removal:
    return Removal.objects.create(route="hot", copy_id="key", due_at=clock.now())


def job() -> Job:
    return Job.objects.create(owner=user(), name="a.vcf", reference="rCRS")


@pytest.mark.parametrize(
    ("make", "column", "value"), [(user, "mail_details", False), (removal, "tries", 0), (job, "faults", 0)]
)
def test_rows_without_the_new_columns_are_inserted(make: Callable[[], Model], column: str, value: object) -> None:
    row = make()
    insert_without(row, column)
    row.refresh_from_db()
    assert getattr(row, column) == value
