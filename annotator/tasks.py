"""The annotate task: claim, fetch, annotate, store, complete."""

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from annotator.errors import Cancelled, EngineError, InputError
from annotator.heartbeat import Heartbeat
from annotator.reference.pack import Reference
from annotator.run.options import Limits, Outputs
from annotator.run.process import child
from annotator.run.process.isolated import annotate
from annotator.tables import schema
from gas.aws import s3
from gas.celery import app
from gas.jobs import outputs
from gas.jobs.catalogue import packs, source_files
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.leases import Claim
from gas.jobs.lifecycle.uploads import beyond_limit
from gas.jobs.models import Job, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.outputs import StoredOutput
from gas.jobs.queue import faults
from gas.subscriptions.plans import Plan, plan_of
from gas.tasknames import ANNOTATE

if TYPE_CHECKING:
    from annotator.run.options import Report

log = logging.getLogger(__name__)

#: Seconds that the task needs in addition to the annotation itself: download, upload, database.
MARGIN_SECONDS = 60
#: Seconds allowed for the smallest file on a busy machine, and the speed assumed for larger ones. The slowest files,
#: which are sorted and annotated record by record, take a second for about 50 KB of compressed text.
FIRST_SECONDS = 300
BYTES_PER_SECOND = 5_000
#: Maximum number of records for which the task itself makes the tables, in about a second. A task of its own makes
#: those of a longer result, so that its owner need not wait for them.
TABLES_AT_ONCE = 100_000
FOLDER_PREFIX = "gas-attempt-"


@app.task(name=ANNOTATE)
def annotate_job(job_id: str) -> None:
    """Annotate the next job, which may be another one than the message's.

    Before: some job is PENDING; the message's job may be RUNNING with an expired lease. After: the job is COMPLETED,
    FAILED with a reason, or PENDING again after an internal error.
    """
    claim = leases.claim_next(job_id)
    if claim is None:
        return
    job_id = str(claim.job.pk)
    try:
        with (
            Heartbeat(claim) as heartbeat,
            tempfile.TemporaryDirectory(dir=settings.WORK_DIR, prefix=FOLDER_PREFIX) as folder,
        ):
            run(claim, Path(folder), heartbeat)
    except (LostRace, Cancelled):
        log.info("job %s is no longer this worker's", job_id)
        if not leases.is_kept(claim):
            # Cancelled, deleted, or taken over: nothing refers to what this attempt has written.
            s3.delete_prefix(settings.S3_RESULTS_BUCKET, claim.prefix)


def run(claim: Claim, folder: Path, heartbeat: Heartbeat) -> None:
    """Make one attempt at a claimed job.

    After any other error, including one while failing the job, the job is pending again.

    Raises:
        LostRace, Cancelled: the job no longer belongs to this worker.
    """
    try:
        attempt(claim, folder, heartbeat)
    except (LostRace, Cancelled):
        raise
    except Exception as error:
        log.exception("job %s", claim.job.pk)
        if faults.is_ours(error, folder):
            leases.postpone(claim, repr(error), kind=faults.kind_of(error, folder))
        else:
            leases.release(claim, repr(error))


def attempt(claim: Claim, folder: Path, heartbeat: Heartbeat) -> None:
    """Fetch the input, annotate it, store the results and complete the job, or fail it with a reason for its owner."""
    job, source, out = claim.job, folder / "input", folder / "out"
    out.mkdir()
    child.prepare()
    remove_leftovers()
    brought = False
    plan = plan_of(job.owner)
    if too_large := beyond_limit(job.input_size or 0, plan):  # the plan may have changed since the upload
        advice = "Split the file, or try the job again on a plan that takes it."
        leases.fail(claim, code="plan-limit", message=too_large, advice=advice)
        return
    try:
        fetch(job, source)
        brought = not packs.is_here(job.reference)
        reference = reference_of(job.reference, heartbeat)
        with contextlib.ExitStack() as held:
            known = sources_of(job.reference, heartbeat, held)
            brought = brought or known.brought
            report = annotate(
                source,
                out,
                reference=reference,
                references_dir=settings.REFERENCES_DIR,
                sources=known.sources,
                limits=limits(plan, job.input_size or 0),
                on_progress=heartbeat.progress,
                cancelled=heartbeat.lost,
                provenance={"job": str(job.pk), "file": job.name},
                outputs=Outputs(stats=True, table_records=TABLES_AT_ONCE),
            )
        heartbeat.stage("store")
        store(claim, out, report)
    except InputError as error:
        log_key = store_log(claim, out)
        leases.fail(claim, code=error.code, message=error.message, advice=error.advice, log_key=log_key)
    except s3.ObjectChanged:
        leases.fail(
            claim,
            code="input-replaced",
            message="The file was replaced after it was submitted, so it was not annotated.",
            advice="Upload the file that you mean as a new job.",
        )
    except s3.ObjectMissing:
        leases.fail(
            claim,
            code="input-missing",
            message="The uploaded file is no longer in storage.",
            advice="Upload it again as a new job.",
        )
    except SoftTimeLimitExceeded:
        if brought:
            leases.postpone(claim, f"bringing {job.reference} or its sources left too little time; now they are here")
        else:
            fail_too_long(claim, out)
    except EngineError as error:
        if error.code != "time-limit":
            raise
        fail_too_long(claim, out)  # a retry would take as long


def fetch(job: Job, path: Path) -> None:
    """Download the job's input, if there is room for it and a result of the same size.

    Raises:
        ObjectMissing, ObjectChanged: the input is gone, or replaced.
        DamagedInput: the download differs from the upload.
        OSError: there is not enough space.
    """
    size = job.input_size or 0
    faults.check_space(path.parent, 2 * size)
    try:
        s3.download(settings.S3_INPUTS_BUCKET, job.input_key, path, etag=job.input_etag, size=job.input_size)
    except s3.CopyDiffers as error:
        raise faults.DamagedInput(str(error)) from error


def reference_of(pack_id: str, heartbeat: Heartbeat) -> Reference:
    """Return the job's reference pack; download it to this machine if it is missing.

    If time runs out during the download, the file is not at fault: the next attempt resumes the download.

    Raises:
        Cancelled: the job no longer belongs to this worker.
        EngineError: the pack cannot be downloaded or used.
    """
    try:
        return packs.load(pack_id, still_ours(heartbeat))
    except SoftTimeLimitExceeded as error:
        raise EngineError("reference-slow", f"reference pack {pack_id} was not here when the time was up") from error


def sources_of(pack_id: str, heartbeat: Heartbeat, held: contextlib.ExitStack) -> source_files.Taken:
    """Download missing sources of known variants; hold them until `held` closes. Raises Cancelled or EngineError."""
    try:
        return source_files.take(pack_id, held, still_ours(heartbeat))
    except SoftTimeLimitExceeded as error:
        raise EngineError("source-slow", f"the sources of {pack_id} were not here when the time was up") from error


def still_ours(heartbeat: Heartbeat) -> Callable[[], None]:
    """Return a function that raises Cancelled if the job no longer belongs to this worker."""

    def check() -> None:
        if heartbeat.lost():
            raise Cancelled

    return check


def store(claim: Claim, out: Path, report: "Report") -> None:
    """Upload the results to S3, and then mark the job as completed."""
    bucket = settings.S3_RESULTS_BUCKET
    vcf, index = out / outputs.VCF.file_name, out / outputs.INDEX.file_name
    result = ResultFile(key=claim.prefix + vcf.name, index_key=claim.prefix + index.name)
    for output in outputs.RESULT_OUTPUTS:
        path = out / output.file_name
        if output.optional and not path.exists():
            continue
        digest = s3.upload(path, bucket, result.key_of(output), content_type=output.media_type)
        if output.optional or output.size_column:
            result.note(output, StoredOutput(path.stat().st_size, digest))
    result.parquet_version = schema.VERSION
    log_key = store_log(claim, out)
    leases.complete(claim, result, log_key=log_key, summary=report.summary, preview=report.preview)


def store_log(claim: Claim, out: Path) -> str:
    """Upload the log to S3 and return its key; "" if the attempt ended before there was one."""
    path = out / outputs.LOG.file_name
    if not path.exists():
        return ""
    key = claim.prefix + path.name
    s3.upload(path, settings.S3_RESULTS_BUCKET, key, content_type=outputs.LOG.media_type)
    return key


def fail_too_long(claim: Claim, out: Path) -> None:
    """Fail a job that exceeded its time limit."""
    minutes = seconds_allowed(claim.job.input_size or 0) / 60
    leases.fail(
        claim,
        code="too-long",
        message=f"The annotation was stopped after {minutes:.0f} minutes, the longest for a file of its size.",
        advice="Split the file, by chromosome for example, and upload the parts.",
        log_key=store_log(claim, out),
    )


def remove_leftovers() -> None:
    """Delete the folders of killed attempts: those older than any running attempt can be."""
    oldest = time.time() - settings.ANNOTATE_HARD_LIMIT_SECONDS
    for folder in Path(settings.WORK_DIR or tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another worker may have deleted it
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)


def limits(plan: Plan, size: int) -> Limits:
    """Return the limits of a plan for a file of `size` bytes."""
    return Limits(
        expanded_bytes=plan.expanded_bytes,
        memory_bytes=settings.ANNOTATE_MEMORY_BYTES,
        output_bytes=plan.output_bytes,
        seconds=seconds_allowed(size),
    )


def seconds_allowed(size: int) -> float:
    """Return the seconds allowed for annotating a file of `size` bytes: about ten times the usual, and a fixed part."""
    whole: float = settings.ANNOTATE_SOFT_LIMIT_SECONDS - MARGIN_SECONDS
    return max(1, min(whole, FIRST_SECONDS + size / BYTES_PER_SECOND))
