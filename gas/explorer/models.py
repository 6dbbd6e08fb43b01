"""What people keep: filters by name, stars and notes on variants, and the columns of tables."""

import hashlib
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
    ref = models.TextField(help_text="Without bases that REF and ALT share at their ends.")
    alt = models.TextField()
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


def digest_of(ref: str, alt: str) -> str:
    """Return MarkedVariant.digest."""
    return hashlib.sha256(f"{ref}>{alt}".encode()).hexdigest()
