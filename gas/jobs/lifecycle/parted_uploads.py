"""What the client of an upload in parts asks for: where to send parts, and which have arrived."""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings

from gas import clock
from gas.aws import multipart
from gas.jobs.lifecycle import parts
from gas.jobs.lifecycle.uploads import Resume, UploadRefused, check_not_ended
from gas.jobs.models import Job, PartedUpload
from gas.jobs.states import JobStatus

#: An upload ends no later than this after it began.
LONGEST = timedelta(days=30)


def sign_parts(job: Job, checksums: Mapping[int, str]) -> list[parts.PartAddress]:
    """Return the addresses of some parts of a job's upload, and let it be resumed for UPLOAD_RESUME_SECONDS from now.

    Args:
        checksums: number of the part → SHA-256 of its bytes, in hexadecimal.

    Raises:
        UploadRefused: the job expects no parts, or a number is not one of its parts.
    """
    upload = _parted(job)
    try:
        addresses = parts.addresses(upload, checksums)
    except parts.NoSuchPart as error:
        raise UploadRefused(str(error), resume=Resume.NEVER) from error
    until = min(clock.now() + timedelta(seconds=settings.UPLOAD_RESUME_SECONDS), job.created_at + LONGEST)
    if not Job.objects.filter(pk=job.pk, status=JobStatus.UPLOADING).update(upload_expires_at=until):
        job.refresh_from_db()
        _parted(job)  # cancelled or confirmed meanwhile: raises
    return addresses


def arrived_parts(job: Job) -> list[parts.ArrivedPart]:
    """Return the parts of a job's upload that S3 has. Raises UploadRefused if the job expects no parts."""
    try:
        return parts.arrived(_parted(job))
    except multipart.UploadGone as gone:
        raise UploadRefused("This upload has ended.", resume=Resume.NEW) from gone


def _parted(job: Job) -> PartedUpload:
    check_not_ended(job)
    upload = PartedUpload.objects.select_related("job").filter(job=job, job__status=JobStatus.UPLOADING).first()
    if upload is None:
        raise UploadRefused("This upload is not sent in parts, or has arrived.")
    return upload
