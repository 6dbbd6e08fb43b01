"""The addresses and labels of a job's files, for its page and for programs."""

from enum import StrEnum

from django.conf import settings

from gas.aws import presigned, s3
from gas.jobs.models import Job, ResultFile
from gas.jobs.output_files import JobFile, files_of
from gas.jobs.outputs import output_of
from gas.jobs.states import ResultState
from gas.jobs.storage import missing_files, tables

#: Maximum number of bytes of a log that are shown; the whole log is a download.
LOG_BYTES = 256 * 1024


class Reason(StrEnum):
    """Why a file cannot be downloaded now."""

    MISSING = "missing"  # it should be in S3 but is not
    ELSEWHERE = "elsewhere"  # the result is archived or being moved
    BEING_MADE = "being-made"  # the tables of the result are being built


SENTENCES = {
    Reason.ELSEWHERE: "This result is not available at the moment; the reason is below.",
    Reason.BEING_MADE: "The tables of this result are being made. Try it in a minute.",
}


class NotDownloadable(Exception):
    """A file of the job cannot be downloaded now. The text says why."""

    def __init__(self, reason: Reason, sentence: str = "") -> None:
        super().__init__(sentence or SENTENCES[reason])
        self.reason = reason


def all_files(job: Job) -> list[JobFile]:
    """Return the files that can be downloaded now."""
    return list(files_of(job, ResultFile.objects.filter(job=job).first()))


def find(job: Job, kind: str) -> JobFile | None:
    """Return the file with this `kind`; None if the job has none.

    Raises:
        NotDownloadable: the file cannot be downloaded now. Staff are alerted if it should be in S3.
    """
    found = _file(job, kind)
    if found is not None and missing_files.is_missing(found.bucket, found.key):  # S3 would answer with a page of XML
        again = _file(job, kind)
        if again == found:
            raise NotDownloadable(Reason.MISSING, missing_files.tell(job, found.key))
        found = again  # its result was archived or restored meanwhile
    if found is not None:
        return found
    result, output = ResultFile.objects.filter(job=job).first(), output_of(kind)
    if result is None or output is None or not output.with_result:
        return None
    if result.state != ResultState.AVAILABLE:
        raise NotDownloadable(Reason.ELSEWHERE)
    if tables.owed(result):
        raise NotDownloadable(Reason.BEING_MADE)
    return None


def address(file: JobFile) -> str:
    """Return a presigned address of a file, which the browser saves under the file's name."""
    return presigned.download_url(file.bucket, file.key, filename=file.saved_as)


def read_log(job: Job) -> tuple[str, bool] | None:
    """Return the first LOG_BYTES of the job's log, and whether there is more; None if the job has no log."""
    if not job.log_key:
        return None
    try:
        return s3.read_start(settings.S3_RESULTS_BUCKET, job.log_key, limit=LOG_BYTES)
    except s3.ObjectMissing:
        return None


def _file(job: Job, kind: str) -> JobFile | None:
    """Return the file with this `kind`. Its key comes from the rows, and no part of it from the request."""
    current = Job.objects.filter(pk=job.pk).first()
    return next((one for one in all_files(current) if one.kind == kind), None) if current else None
