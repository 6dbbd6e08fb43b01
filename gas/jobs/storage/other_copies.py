"""Whether a result has a whole copy besides the one that is about to be deleted."""

from django.conf import settings

from gas.aws import s3
from gas.jobs.models import ResultFile
from gas.jobs.states import ResultState


def is_whole_elsewhere(result: ResultFile, copy_id: str = "") -> bool:
    """Ask S3 for the copy that the result's row names. Costs a HEAD.

    Args:
        result: as its row is now.
        copy_id: the copy that is about to be deleted, which does not count.

    Returns:
        True if the row names another copy in S3, of either class, with the result's size. False otherwise, also if
        the row names an archive in a vault, which cannot be asked.
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
