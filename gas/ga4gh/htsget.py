"""GA4GH htsget 1.3 for variants: a region of a result, as pieces of a bgzip-compressed VCF.

Source: https://samtools.github.io/hts-specs/htsget.html, version 1.3.0.
"""

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods
from pydantic import BaseModel, Field, ValidationError

from annotator.formats.tabix import LAST
from gas.api.problems import Problem
from gas.api.routes.jobs import job_of
from gas.aws import presigned
from gas.ga4gh import slices
from gas.ga4gh.answers import endpoint
from gas.ga4gh.tabix_index import Chunk, TabixIndex, joined
from gas.jobs.file_names import download_name
from gas.jobs.models import Job
from gas.jobs.outputs import VCF
from gas.jobs.storage import downloads
from gas.users.models import User
from gas.users.requests import json_body

MEDIA_TYPE = "application/vnd.ga4gh.htsget.v1.3.0+json; charset=utf-8"
#: Regions of one request.
MOST_REGIONS = 100
#: Places of the file that one answer names; two blocks are read for each.
MOST_CHUNKS = 100
_ERRORS = {401: "InvalidAuthentication", 403: "PermissionDenied", 404: "NotFound", 413: "PayloadTooLarge"}


def error_body(status: int, sentence: str) -> dict[str, Any]:
    """Return an error as htsget writes it."""
    return {"htsget": {"error": _ERRORS.get(status, "InvalidInput"), "message": sentence}}


class Region(BaseModel):
    """Bases of a contig from `start` to `end`, 0-based, `end` not included."""

    contig: str = Field(alias="referenceName", min_length=1, max_length=255)
    start: int = Field(0, ge=0, lt=2**31)
    end: int = Field(LAST, ge=0, lt=2**31)


class Asked(BaseModel):
    """What a ticket is asked for. `wanted`: header for the header alone."""

    format: Literal["VCF"] = "VCF"
    wanted: Literal["header"] | None = Field(None, alias="class")
    regions: list[Region] = Field(default=[], max_length=MOST_REGIONS)


class Refused(Exception):
    """A request that htsget has an error for. The text says why."""

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


@require_http_methods(["GET", "HEAD", "POST"])
@endpoint(error_body, media_type=MEDIA_TYPE)
def ticket(request: HttpRequest, reader: User, job_id: UUID) -> HttpResponse:
    """Return where the header and the records of some regions are; without regions, all records."""
    try:
        asked = _asked(request)
    except Refused as refusal:
        body = {"htsget": {"error": refusal.error, "message": str(refusal)}}
        return JsonResponse(body, status=400, content_type=MEDIA_TYPE)
    pieces = _pieces(job_of(reader, job_id), asked)
    return JsonResponse({"htsget": {"format": "VCF", "urls": pieces}}, content_type=MEDIA_TYPE)


def _asked(request: HttpRequest) -> Asked:
    values: Any
    if request.method == "POST":
        if request.GET:
            raise Refused("InvalidInput", "Send the parameters in the body, not in the address.")
        try:
            values = json_body(request)
        except ValueError as error:
            raise Refused("InvalidInput", "Send a JSON object.") from error
    else:
        values = request.GET.dict()
        region = {name: values.pop(name) for name in ("referenceName", "start", "end") if name in values}
        values["regions"] = [region] if region else []
    try:
        asked = Asked.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]) if first["loc"] else "body"
        raise Refused(
            "UnsupportedFormat" if name == "format" else "InvalidInput", f"{name}: {first['msg']}."
        ) from error
    if any(region.start > region.end for region in asked.regions):
        raise Refused("InvalidRange", "A region ends before it starts.")
    return asked


def _pieces(job: Job, asked: Asked) -> list[dict[str, Any]]:
    try:
        vcf = downloads.find(job, VCF.kind)
    except downloads.NotDownloadable as why:
        raise Problem("not-found", "This result is not in the storage now. DRS says when it is.") from why
    if vcf is None:
        raise Problem("not-found", "This job has no result.")
    file = slices.IndexedFile(vcf.bucket, vcf.key, job.result.size, job.result.index_key)
    url = presigned.download_url(vcf.bucket, vcf.key, filename=download_name(job.name, VCF.saved_as))
    if asked.wanted is None and not asked.regions:
        return [{"url": url}]
    header = [_written(piece, url, "header") for piece in file.header()]
    if asked.wanted == "header":
        return header
    body = [_written(piece, url, "body") for chunk in _chunks(file.index(), asked) for piece in file.records(chunk)]
    return [*header, *body, _written(slices.END_OF_FILE, url, "body")]


def _chunks(index: TabixIndex, asked: Asked) -> list[Chunk]:
    """Return where the records of all regions are. Raises Problem for an unknown contig and for too many places."""
    found = []
    for region in asked.regions:
        if region.contig not in index.names:
            raise Problem("not-found", f"The result has no variants on “{region.contig}”.")
        found += index.chunks(region.contig, region.start, region.end)
    chunks = joined(found)
    if len(chunks) > MOST_CHUNKS:
        raise Problem("too-large", f"The regions are in {len(chunks)} places of the file. Ask for fewer.")
    return chunks


def _written(piece: slices.Piece, url: str, name: str) -> dict[str, Any]:
    if isinstance(piece, slices.Inline):
        return {"url": piece.url, "class": name}
    return {"url": url, "headers": {"Range": f"bytes={piece.first}-{piece.last}"}, "class": name}
