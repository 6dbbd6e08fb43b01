"""Files that a row offers for download but that are not in S3, for example after a restore of the database."""

from gas.aws import s3
from gas.aws.clients import AWSError
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import ResultState
from gas.staff.alerts import alert

SENTENCE = (
    "This file is missing from our storage. Nothing you did caused it; our staff have been told and look for it. "
    "You need not report it."
)
PROBLEM = "Its file is not in S3, where this row says it is."


def is_missing(bucket: str, key: str) -> bool:
    """Return whether S3 has no such object. While S3 does not answer, the object is assumed to exist."""
    try:
        return not s3.exists(bucket, key)
    except AWSError:
        return False


def tell(job: Job, key: str) -> str:
    """Alert staff about an object that a row of the job names but S3 lacks; return the sentence for the owner.

    Staff get one alert per result: its row then has a problem, and the result is not archived any more.
    """
    mine = ResultFile.objects.filter(job=job, key=key, state=ResultState.AVAILABLE)
    is_result = mine.exists()
    if not is_result or mine.filter(problem="").update(problem=PROBLEM, archive_due_at=None):
        alert(
            "A file that can be downloaded is missing from S3",
            f"Job {job.pk}: {key}. `manage.py reconcile_storage` looks for it in S3 and Glacier.",
        )
    return SENTENCE
