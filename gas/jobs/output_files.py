"""The files that one job has: its upload, its log, and the outputs of its result."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from gas.jobs import outputs
from gas.jobs.file_names import clean_name, download_name
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import ResultState


@dataclass(frozen=True)
class JobFile:
    """One object in S3 that a row names.

    Attributes:
        kind: the name in the address of a download.
        label: the text of the download button.
        bucket, key: the object.
        saved_as: the name that a browser saves the file under.
        size: bytes, or None if no row has the size.
    """

    kind: str
    label: str
    bucket: str
    key: str
    saved_as: str
    size: int | None = None


def files_of(job: Job, result: ResultFile | None, *, archiving: bool = False) -> Iterator[JobFile]:
    """Yield the files of a job that can be read now, in the order of the download buttons.

    Args:
        archiving: whether to yield the files of a result that is being archived. They are still in S3, but will
            be deleted soon.
    """
    readable = {ResultState.AVAILABLE, ResultState.ARCHIVING} if archiving else {ResultState.AVAILABLE}
    bucket, name, log = settings.S3_RESULTS_BUCKET, clean_name(job.name), outputs.LOG
    if result is not None:
        for output in outputs.RESULT_OUTPUTS:
            size = result.size_of(output)
            exists = size is not None or not output.optional
            if exists and (result.state in readable or not output.with_result):
                saved_as = download_name(name, output.saved_as)
                yield JobFile(output.kind, output.label, bucket, result.key_of(output), saved_as, size)
    if job.log_key:
        yield JobFile(log.kind, log.label, bucket, job.log_key, download_name(name, log.saved_as))
    if job.input_etag:
        yield JobFile("input", "Uploaded file", settings.S3_INPUTS_BUCKET, job.input_key, name, job.input_size)
