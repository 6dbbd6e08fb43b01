"""What people keep: filters by name, stars and notes on variants, the columns of tables, and large exports."""

import hashlib
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

#: Characters of a saved filter's name, of a note, and of the address of a filter.
NAME_CHARACTERS = 100
NOTE_CHARACTERS = 5_000
QUERY_CHARACTERS = 8_000


class SavedFilter(models.Model):
    """A person's filter, by name."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=NAME_CHARACTERS)
    query = models.TextField(max_length=QUERY_CHARACTERS, help_text="The part of the address after the question mark.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One of each name for a person."""

        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=["owner", "name"], name="saved_filter_name"),)

    def __str__(self) -> str:
        """Return its name."""
        return self.name


class MarkedVariant(models.Model):
    """A person's star and note on a variant, which show up in each of their jobs on the same build that has it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="marked_variants")
    build = models.CharField(max_length=64, help_text="The reference pack's id.")
    contig = models.CharField(max_length=255, help_text="Without chr, in lower case: the same in every file.")
    pos = models.BigIntegerField()
    ref = models.TextField(help_text="Without bases that REF and ALT share at their ends; may be empty.", blank=True)
    alt = models.TextField(blank=True)
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of REF and ALT, which may be long.")
    starred = models.BooleanField(default=False)
    note = models.TextField(blank=True, max_length=NOTE_CHARACTERS)
    label = models.CharField(max_length=200, blank=True, help_text="How it was described where it was marked.")
    shown_as = models.CharField(max_length=200, help_text="Contig, position, REF and ALT where it was marked.")
    job = models.ForeignKey(
        "jobs.Job", null=True, on_delete=models.SET_NULL, related_name="+", help_text="Where it was marked last."
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One row for a person and a variant."""

        ordering = ("build", "contig", "pos", "id")
        constraints = (
            models.UniqueConstraint(fields=["owner", "build", "contig", "pos", "digest"], name="marked_variant_once"),
        )

    def __str__(self) -> str:
        """Return what it was shown as."""
        return self.shown_as


class ColumnChoice(models.Model):
    """The columns that a person wants tables to have, by name."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="column_choice")
    names: "models.JSONField[Any, Any]" = models.JSONField(default=list)

    def __str__(self) -> str:
        """Return whose it is."""
        return f"columns of {self.owner_id}"


class ExportState(models.TextChoices):
    """How far a large export is. Only functions of `large_exports` change it."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class VariantExport(models.Model):
    """An export of a result's variants that a worker makes, and its file in S3.

    While it is RUNNING it has a lease: a token that only its worker knows, and when it expires unless renewed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="variant_exports")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="variant_exports")
    query = models.TextField(
        max_length=QUERY_CHARACTERS, help_text="Filters, order and columns: the address after the question mark."
    )
    described = models.TextField(help_text="The filters, for people.")
    format = models.CharField(max_length=10)
    rows = models.PositiveBigIntegerField(help_text="How many variants it has.")
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.WAITING)

    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="While it waits: not before; then, when its latest message is due.")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="When it is removed, with its file.")
    tries = models.PositiveSmallIntegerField(default=0)
    faults = models.PositiveSmallIntegerField(default=0, help_text="Errors of the service or of AWS, in a row.")
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    rows_done = models.PositiveBigIntegerField(default=0)

    key = models.CharField(max_length=255, blank=True, help_text="In the results bucket, once it is ready.")
    size = models.BigIntegerField(null=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    failure = models.TextField(blank=True, help_text="Why it could not be made, for its owner.")

    class Meta:
        """Latest first."""

        ordering = ("-asked_at", "id")
        indexes = (
            models.Index(fields=["state", "due_at"], name="export_due"),
            models.Index(fields=["expires_at"], name="export_expires"),
        )

    def __str__(self) -> str:
        """Return no name of a person or a file: the admin's log keeps it."""
        return f"export {self.pk}"

    @property
    def is_active(self) -> bool:
        """Return whether it is still to be made."""
        return self.state in {ExportState.WAITING, ExportState.RUNNING}

    @property
    def percent(self) -> int:
        """Return how many of its variants are written, in percent."""
        return min(100, 100 * self.rows_done // (self.rows or 1))


def digest_of(ref: str, alt: str) -> str:
    """Return MarkedVariant.digest."""
    return hashlib.sha256(f"{ref}>{alt}".encode()).hexdigest()
