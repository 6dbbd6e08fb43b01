"""Uploads with a presigned form, as a browser sends them."""

from collections.abc import Sequence
from typing import Any

import requests

BUCKET = "gas-inputs"
TYPE = "application/octet-stream"


def presign(
    s3: Any,
    key: str = "uploads/1/input",
    *,
    seconds: int = 60,
    fields: dict[str, str] | None = None,
    conditions: Sequence[Any] = (),
) -> Any:
    """Return a form for an upload: see boto3's `generate_presigned_post`."""
    own = {"Content-Type": TYPE} if fields is None else fields
    every = [{"Content-Type": TYPE}, ["content-length-range", 1, 1000], *conditions]
    return s3.generate_presigned_post(BUCKET, key, Fields=own, Conditions=every, ExpiresIn=seconds)


def send(form: Any, body: bytes = b"##fileformat=VCFv4.2\n", **changes: str) -> requests.Response:
    """Upload a file with the form, some of whose fields may be others."""
    fields = {**form["fields"], **changes}
    return requests.post(form["url"], data=fields, files={"file": ("any name.vcf", body)}, timeout=10)
