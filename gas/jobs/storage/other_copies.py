"""Check whether a result has another whole copy before one is deleted."""

from django.conf import settings

from gas.aws import s3
from gas.jobs.models import ResultFile
from gas.jobs.states import ResultState


def is_whole_elsewhere(result: ResultFile, copy_id: str = "") -> bool:
    """Check in S3 the copy that the result's row names. Costs one HEAD request.

    Args:
        result: the result, as its row is now.
        copy_id: the copy that is about to be deleted; it does not count.

    Returns:
        True if the row names another copy in S3, of either storage class, with the result's size. False otherwise, also
        if the row names an archive in a vault, whose existence cannot be checked.
    """
    if result.state in {ResultState.AVAILABLE, ResultState.ARCHIVING}:
        named = result.key
    elif result.archive_route == "class":
        named = result.archive_id
    else:
        return False
    if not named or named == copy_id:
        return False
    info = s3.head(settings.S3_RESULTS_BUCKET, named)
    return info is not None and info.size == result.size
