"""Variants of a result, and exports of them."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, field_validator

from gas.explorer.columns import ResultColumns
from gas.explorer.filters import FIXED
from gas.explorer.models import QUERY_CHARACTERS, ExportState, VariantExport
from gas.explorer.query import MOST_ROWS, PAGE_SIZE

#: Values of all filters of an export together. Django reads at most 1,000 parameters of an address.
MOST_VALUES: Final = 900
#: A limit makes pydantic refuse a text with half a surrogate, which no address can have.
Text = Annotated[str, Field(max_length=QUERY_CHARACTERS)]
Format = Literal["tsv", "xlsx", "vcf", "parquet"]


class VariantQuery(Schema):
    """Which part of the variants is asked for, and how. Filters are further parameters; see `filter_parameters`."""

    cursor: str = Field("", max_length=1000, description="next_cursor or previous_cursor of another page.")
    limit: int = Field(PAGE_SIZE, ge=1, le=MOST_ROWS, description="Variants of a page.")
    sort: str = Field(
        "", max_length=100, description="A column to sort by; with - before it, the highest first. Along the genome."
    )
    columns: str = Field(
        "", max_length=4000, description="Names of columns, with commas between them; the usual ones if empty."
    )
    count: bool = Field(False, description="Whether to count all variants that match.")


class VariantsOut(Schema):
    """A page of variants."""

    items: list[dict[str, Any]] = Field(description="Variants: the value of each column by its name.")
    columns: list[str] = Field(description="Names of the columns, in order.")
    total: int | None = Field(description="How many variants match; null unless count was asked for.")
    next_cursor: str | None
    previous_cursor: str | None


class VariantOut(Schema):
    """A variant with all that there is of it."""

    key: str = Field(description="Contig, position, REF and ALT.")
    columns: dict[str, Any] = Field(description="The value of each column by its name.")
    transcripts: list[dict[str, str | None]]


class ColumnOut(Schema):
    """A column of a result."""

    name: str
    label: str
    text: str


class FilterOut(Schema):
    """A parameter that the variants of a result can be filtered by."""

    name: str = Field(description="The name of the parameter.")
    group: str
    label: str
    text: str = Field(description="What it does, exactly.")
    several: bool = Field(description="Whether it may be sent more than once.")
    choices: list[str] = Field(description="Its only values; empty for any.")


class FiltersOut(Schema):
    """What a result can be filtered by, and its columns."""

    filters: list[FilterOut]
    columns: list[ColumnOut]


class ExportIn(Schema):
    """An export to make in the background."""

    format: Format
    filters: dict[Text, Text | list[Text]] = Field(
        default_factory=dict,
        max_length=200,
        description=f"Values of filters by their names, as in addresses; at most {MOST_VALUES} together.",
    )
    sort: str = Field("", max_length=100, description="As for variants.")
    columns: list[Text] = Field(default_factory=list, max_length=500, description="Names of columns.")

    @field_validator("filters")
    @classmethod
    def _check_number(cls, filters: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        if sum(len(value) if isinstance(value, list) else 1 for value in filters.values()) > MOST_VALUES:
            raise ValueError(f"An export takes at most {MOST_VALUES} values of filters.")
        return filters


class ExportOut(Schema):
    """An export that is made in the background."""

    id: UUID
    job: UUID
    format: Format
    described: str = Field(description="The filters, for people.")
    state: ExportState
    rows: int = Field(description="How many variants it has.")
    rows_done: int = Field(description="How many of them are written.")
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When it is removed.")
    failure: str = Field(description="Why it could not be made.")
    size: int | None = Field(description="Bytes of the file.")
    sha256: str | None = Field(description="SHA-256 of the file, in hex.")
    url: str | None = Field(
        description="Where to download it, without the token, for some minutes; null until ready, and when the answer "
        "is repeated by an Idempotency-Key: GET the export."
    )

    @classmethod
    def of(cls, row: VariantExport, *, url: str | None) -> "ExportOut":
        """Make it of a row."""
        return cls(
            id=row.pk,
            job=row.job_id,
            format=row.format,  # type: ignore[arg-type]  # one of FORMATS
            described=row.described,
            state=ExportState(row.state),
            rows=row.rows,
            rows_done=row.rows_done,
            asked_at=row.asked_at,
            finished_at=row.finished_at,
            expires_at=row.expires_at,
            failure=row.failure,
            size=row.size,
            sha256=row.sha256 or None,
            url=url,
        )


def filter_parameters(columns: ResultColumns) -> list[dict[str, Any]]:
    """Return the filters that every result has, as parameters of the OpenAPI document."""
    found = []
    for one in FIXED:
        for name, field in one.fields(columns).items():
            choices = [str(value) for value, _ in getattr(field, "choices", ()) if value != ""]
            item: dict[str, Any] = {"type": "string", **({"enum": choices} if choices else {})}
            several = hasattr(field, "choices") and not name.endswith("-missing")
            schema = {"type": "array", "items": item} if several else item
            found.append(
                {"in": "query", "name": name, "required": False, "description": str(field.help_text), "schema": schema}
            )
    return found
