"""What the pages of jobs take from a request."""

from typing import Any

import pytest
from django.http import QueryDict

from gas.jobs.pages.forms import JobFilterForm, UploadForm

UPLOAD: dict[str, Any] = {"name": "a.vcf", "size": 5, "reference": "rCRS"}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {"q": "", "status": ""}),
        ("q=+trio+&status=RUNNING", {"q": "trio", "status": "RUNNING"}),
        ("q=a%00b&status=ARCHIVED", {"q": "ab", "status": "ARCHIVED"}),
        ("q=a&status=nonsense", {"q": "a", "status": ""}),
    ],
)
def test_filters_of_the_list(query: str, values: dict[str, str]) -> None:
    assert JobFilterForm(QueryDict(query)).values() == values


@pytest.mark.parametrize("size", [0, 5, 2**63 - 1])
def test_an_upload(size: int) -> None:
    form = UploadForm({**UPLOAD, "size": size, "name": ""})
    assert form.is_valid()
    assert form.cleaned_data == {"name": "", "size": size, "reference": "rCRS", "idempotency_key": None}


@pytest.mark.parametrize(
    "wrong",
    [
        *({"size": size} for size in (-1, 2**63, True, "5", 5.0, None, [])),
        {"name": None},
        {"reference": None},
        {"idempotency_key": "x"},
    ],
    ids=str,
)
def test_an_upload_that_is_refused(wrong: dict[str, Any]) -> None:
    assert not UploadForm({**UPLOAD, **wrong}).is_valid()
