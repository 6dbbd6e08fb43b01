"""Lists in pages, by a cursor: rows that come or go meanwhile make no row appear twice or be left out."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from ninja import Schema
from pydantic import BaseModel, Field

from gas.api.problems import Problem

DEFAULT_SIZE = 25
MOST = 200
_CURSOR_CHARACTERS = 500

M = TypeVar("M", bound=Model)
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Send it as cursor for the next page; null on the last page.")


class PageQuery(Schema):
    """Which part of a list is asked for."""

    cursor: str = Field("", max_length=_CURSOR_CHARACTERS, description="next_cursor of the page before.")
    limit: int = Field(DEFAULT_SIZE, ge=1, le=MOST, description="Items of a page.")


def page_of(rows: QuerySet[M], asked: PageQuery, make: Callable[[M], Item], *, by: str = "created_at") -> Page[Item]:
    """Return a page of rows, the latest first. One query.

    Args:
        rows: all rows of the list.
        asked: the cursor and the size.
        make: turns a row into an item.
        by: a time column, which the list is sorted by; then by the primary key.

    Raises:
        Problem: the cursor is not from such a list.
    """
    found = take(rows, asked, by=by)
    return Page(items=[make(row) for row in found.rows], next_cursor=found.next_cursor)


class Taken(Generic[M]):
    """The rows of a page, and the cursor of the next."""

    def __init__(self, rows: list[M], next_cursor: str | None) -> None:
        self.rows, self.next_cursor = rows, next_cursor


def take(rows: QuerySet[M], asked: PageQuery, *, by: str = "created_at") -> Taken[M]:
    """Return the rows of a page, for a list whose items need more than their row. See `page_of`."""
    if asked.cursor:
        at, pk = _read(rows, asked.cursor)
        rows = rows.filter(Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk}))
    found = list(rows.order_by(f"-{by}", "-pk")[: asked.limit + 1])
    more = len(found) > asked.limit
    found = found[: asked.limit]
    return Taken(found, _write(getattr(found[-1], by), found[-1].pk) if more else None)


def _write(at: datetime, pk: Any) -> str:
    text = json.dumps([at.isoformat(), str(pk)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(rows: QuerySet[M], cursor: str) -> tuple[datetime, Any]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, pk = json.loads(text)
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return moment, rows.model._meta.pk.to_python(str(pk))
    except Exception as error:
        raise Problem("bad-cursor") from error
