"""Forms of the job pages: the filters of the list, and the JSON bodies of the upload page."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet

from gas.jobs.lifecycle.parts import SIGN_AT_ONCE
from gas.jobs.models import Job
from gas.jobs.states import JobStatus, ResultState

#: The largest size that the field accepts: an S3 object has at most 50 TB.
MAX_SIZE = 2**63


_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class SearchField(forms.CharField):
    """Text to search for. NUL is removed: no name contains it, and PostgreSQL does not accept it."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(str(value or "").replace("\0", "")))


class JobFilterForm(forms.Form):
    """The filters of the list of jobs. A status that does not exist filters nothing."""

    q = SearchField(required=False)
    status = forms.ChoiceField(required=False, choices=[*JobStatus.choices, *ResultState.choices])

    def values(self) -> dict[str, str]:
        """Return {"q", "status"}, "" for each filter that is not set or not valid."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}

    def filtered(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        """Return the jobs that match the filters."""
        values = self.values()
        if query := values["q"]:
            jobs = jobs.filter(name__icontains=query)
        if values["status"] in JobStatus.values:
            return jobs.filter(status=values["status"])
        if values["status"] in ResultState.values:
            return jobs.filter(result__state=values["status"])
        return jobs


class JSONText(forms.Field):
    """A required string in a JSON object; it may be empty."""

    empty_values = [None]  # noqa: RUF012  (as Django declares it)

    def to_python(self, value: Any) -> str | None:
        return None if value is None else str(value)


class JSONInteger(forms.Field):
    """A required integer in a JSON object: not a string, a fraction or a boolean."""

    def to_python(self, value: Any) -> int | None:
        if value is not None and type(value) is not int:
            raise ValidationError("not an integer", code="invalid")
        return value


class JSONParts(forms.Field):
    """Parts of an upload in a JSON object: [{"number": 1, "sha256": "64 hexadecimal digits"}, …], 1 to SIGN_AT_ONCE."""

    def to_python(self, value: Any) -> dict[int, str]:
        """Return number → SHA-256 in hexadecimal."""
        if not isinstance(value, list) or not 1 <= len(value) <= SIGN_AT_ONCE:
            raise ValidationError("not a list of parts", code="invalid")
        parts = {}
        for one in value:
            number, sha256 = (one.get("number"), one.get("sha256")) if isinstance(one, dict) else (None, None)
            if type(number) is not int or not isinstance(sha256, str) or not _SHA256.match(sha256):
                raise ValidationError("not a part", code="invalid")
            parts[number] = sha256
        return parts


class PartsForm(forms.Form):
    """The parts of an upload whose addresses a browser requests."""

    parts = JSONParts()


class UploadForm(forms.Form):
    """The upload that a browser requests: the file's name, its size in bytes, and the id of the reference pack."""

    name = JSONText()
    size = JSONInteger(validators=[MinValueValidator(0), MaxValueValidator(MAX_SIZE - 1)])
    reference = JSONText()
    idempotency_key = forms.UUIDField(required=False)
