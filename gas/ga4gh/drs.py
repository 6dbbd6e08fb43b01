"""GA4GH DRS 1.5: each file of a job is an object with checksums, and an address while it is in S3.

An object's id is the job's id and the kind of the file, as in `6f1c….vcf`.

Source: https://ga4gh.github.io/data-repository-service-schemas, version 1.5.0.
"""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from gas.api.problems import Problem
from gas.api.routes.jobs import job_of
from gas.aws import s3
from gas.ga4gh.answers import endpoint
from gas.jobs import outputs
from gas.jobs.file_names import download_name
from gas.jobs.models import Job, ResultFile
from gas.jobs.output_files import JobFile
from gas.jobs.states import ResultState
from gas.jobs.storage import downloads
from gas.users.models import User

ACCESS = "https"
#: Seconds after which a program asks again about a result that is being restored: a retrieval takes minutes or hours.
ASK_AGAIN = 300


def error_body(status: int, sentence: str) -> dict[str, Any]:
    """Return an error as DRS writes it."""
    return {"msg": sentence, "status_code": status}


@require_safe
@endpoint(error_body)
def drs_object(request: HttpRequest, reader: User, job_id: UUID, kind: str) -> HttpResponse:
    """Describe a file: name, size, checksums, and whether it can be read now."""
    job = job_of(reader, job_id)
    found = _here(job, kind)
    return JsonResponse(_described(job, found, available=True) if found else _archived(job, kind))


@require_safe
@endpoint(error_body)
def drs_access(request: HttpRequest, reader: User, job_id: UUID, kind: str, access_id: str) -> HttpResponse:
    """Return a presigned address of a file; 202 while its result is being restored."""
    job = job_of(reader, job_id)
    if access_id != ACCESS:
        raise Problem("not-found", "This object has no such access.")
    if found := _here(job, kind):
        return JsonResponse({"url": downloads.address(found)})
    _archived(job, kind)
    if job.result.state == ResultState.RESTORING:
        return HttpResponse(status=202, headers={"Retry-After": str(ASK_AGAIN)})
    raise Problem("not-found", "This result is archived. Ask for a restore, then for the address again.")


def _here(job: Job, kind: str) -> JobFile | None:
    """Return a file that can be read now, or None while its result is archived. Raises Problem if there is none."""
    try:
        found = downloads.find(job, kind)
    except downloads.NotDownloadable as why:
        if why.reason is downloads.Reason.ELSEWHERE:
            return None
        raise Problem("not-found", str(why)) from why
    if found is None:
        raise Problem("not-found", "This job has no such file.")
    return found


def _archived(job: Job, kind: str) -> dict[str, Any]:
    """Describe a file whose result is archived. Only the annotated VCF has a checksum then, which DRS demands."""
    if kind != outputs.VCF.kind:
        raise Problem("not-found", "This file is made again when the result is restored.")
    result: ResultFile = job.result
    saved_as = download_name(job.name, outputs.VCF.saved_as)
    file = JobFile(kind, outputs.VCF.label, "", "", saved_as, result.size)
    return _described(job, file, available=False)


def _described(job: Job, file: JobFile, *, available: bool) -> dict[str, Any]:
    output = outputs.output_of(file.kind)
    stored = s3.head(file.bucket, file.key) if available else None
    size = stored.size if stored else file.size
    times = {"created_time": job.created_at, "updated_time": job.finished_at or job.created_at}
    return {
        "id": f"{job.pk}.{file.kind}",
        "name": file.saved_as,
        "self_uri": f"drs://{urlsplit(settings.SITE_URL).netloc}/{job.pk}.{file.kind}",
        "size": size,
        "mime_type": output.media_type if output else "application/octet-stream",
        "description": file.label,
        **{name: time.isoformat() for name, time in times.items()},
        "checksums": [_checksum(job, file, stored)],
        "access_methods": [{"type": "https", "access_id": ACCESS, "available": available}],
    }


def _checksum(job: Job, file: JobFile, stored: s3.ObjectInfo | None) -> dict[str, str]:
    """The SHA-256 of the bytes; of an upload, whose SHA-256 nobody keeps, S3's ETag."""
    sha256 = job.result.sha256 if file.kind == outputs.VCF.kind else s3.recorded_sha256(file.bucket, file.key)
    if sha256:
        return {"type": "sha-256", "checksum": sha256}
    return {"type": "etag", "checksum": stored.etag.strip('"') if stored else ""}
