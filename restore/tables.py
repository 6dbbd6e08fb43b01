"""Build the tables of a long or restored result, the same as annotation builds for other results."""

import logging
import tempfile
import time
from pathlib import Path

from django.conf import settings

from annotator.errors import Cancelled, InputError
from annotator.run.options import Limits
from annotator.run.process.isolated import write_tables
from annotator.tables import TooLarge
from gas.aws import s3
from gas.jobs.models import ResultFile
from gas.jobs.outputs import VCF, StoredOutput, rebuilt
from gas.jobs.storage import tables
from gas.subscriptions.plans import plan_of

log = logging.getLogger(__name__)

#: The prefix of annotation, whose workers remove old folders from the work folder.
FOLDER_PREFIX = "gas-attempt-tables-"
#: Time that the task needs to download and store files.
MARGIN_SECONDS = 60
#: Seconds between two queries whether the tables are still wanted.
ASK_SECONDS = 1.0
TOO_MUCH_MEMORY = "The tables are left out because making them takes more memory than is allowed."


def build(result_id: int) -> None:
    """Make one attempt. Objects that it put into S3 are removed if they are not offered in the end."""
    result = tables.claim(result_id)
    if result is None:
        return
    try:
        _build(result)
    except (TooLarge, InputError) as error:
        log.info("result %s gets no tables: %s", result_id, error)
        tables.leave_out(result, str(error) if isinstance(error, TooLarge) else TOO_MUCH_MEMORY)
    except (Cancelled, s3.ObjectMissing):
        log.info("result %s is archived again, or deleted", result_id)
    except Exception:
        log.exception("result %s: making its tables", result_id)
        tables.let_go(result)
    # Read from the row, because only the answer to the last commit may have been lost.
    if not tables.offered(result):
        s3.delete_all(settings.S3_RESULTS_BUCKET, result.rebuilt_keys)


def _build(result: ResultFile) -> None:
    bucket, asked_at = settings.S3_RESULTS_BUCKET, 0.0

    def unwanted() -> bool:
        nonlocal asked_at
        if time.monotonic() - asked_at < ASK_SECONDS:
            return False
        asked_at = time.monotonic()
        return not tables.wanted(result)

    with tempfile.TemporaryDirectory(dir=settings.WORK_DIR, prefix=FOLDER_PREFIX) as name:
        folder = Path(name)
        s3.download(bucket, result.key, folder / VCF.file_name)
        if s3.sha256(folder / VCF.file_name) != result.sha256:
            raise s3.CopyDiffers(f"{result.key} is not what was restored")
        seconds = max(1, settings.ANNOTATE_SOFT_LIMIT_SECONDS - MARGIN_SECONDS)
        limits = Limits(
            memory_bytes=settings.ANNOTATE_MEMORY_BYTES,
            seconds=seconds,
            output_bytes=plan_of(result.job.owner).output_bytes,
        )
        write_tables(folder / VCF.file_name, folder, limits=limits, cancelled=unwanted)
        stored = {}
        for output in rebuilt():
            path = folder / output.file_name
            digest = s3.upload(path, bucket, result.key_of(output), content_type=output.media_type)
            stored[output] = StoredOutput(path.stat().st_size, digest)
        tables.made(result, stored)
