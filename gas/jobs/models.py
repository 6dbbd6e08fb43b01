"""A job and what belongs to it. Only the functions of `gas.jobs.moves` change a state.

One module because Django looks for an app's models here, and most of them refer to a job or its result.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from gas import clock
from gas.jobs import notice_kinds, outputs
from gas.jobs.outputs import Output, Storage, StoredOutput
from gas.jobs.states import ACTIVE, FINISHED, JobStatus, ResultState

#: Folders of the results bucket: results of jobs, and exports that a worker makes of their variants.
RESULTS, EXPORTS = "results/", "variant-exports/"


class Job(models.Model):
    """One uploaded file and the work on it.

    Times are UTC. A row that is RUNNING has a lease: a token that only its worker knows, and when it expires
    unless renewed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    name = models.CharField(max_length=255, help_text="The file's name as its owner knows it; never part of a key.")
    reference = models.CharField(max_length=64, help_text="The reference pack's id.")
    status = models.CharField(max_length=10, choices=JobStatus, default=JobStatus.UPLOADING)

    input_size = models.BigIntegerField(null=True, help_text="Bytes, as S3 has them.")
    input_etag = models.CharField(max_length=80, blank=True)

    idempotency_key = models.UUIDField(
        null=True, help_text="Chosen by the browser for its upload: opening it twice gives the same job."
    )
    upload_expires_at = models.DateTimeField(null=True, help_text="When the latest form for its upload expires.")

    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    sent_at = models.DateTimeField(null=True, help_text="When its latest message is due at a worker.")
    attempts = models.PositiveSmallIntegerField(default=0)
    faults = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Internal or AWS errors in a row; they do not count as attempts."
    )
    fault_kind = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="Kind of the last error, if the job may cause it.",
    )
    faults_alike = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Errors of that kind in a row; too many end the job."
    )
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=20, blank=True)
    records_done = models.PositiveBigIntegerField(default=0)

    failure_code = models.CharField(max_length=40, blank=True)
    failure_message = models.TextField(blank=True, help_text="What happened and where, for the owner.")
    failure_advice = models.TextField(blank=True, help_text="What the owner can do.")

    log_key = models.CharField(max_length=255, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    preview = models.JSONField(default=list, blank=True)

    #: Set by the pages that show it; not a column.
    queue_position: int | None = None

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=["owner", "-created_at"], name="job_of_owner"),
            models.Index(fields=["owner", "-started_at"], name="job_served"),
            models.Index(fields=["status", "submitted_at"], name="job_queue"),
            models.Index(fields=["status", "lease_expires_at"], name="job_lease"),
        )
        constraints = (models.UniqueConstraint(fields=["owner", "idempotency_key"], name="job_opened_once"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def is_active(self) -> bool:
        """Something is still expected to happen."""
        return self.status in ACTIVE

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def can_cancel(self) -> bool:
        return self.is_active

    @property
    def is_unfinished_upload(self) -> bool:
        """Its file has not been confirmed; it may have arrived in S3 all the same."""
        return not self.input_etag and self.status in {JobStatus.UPLOADING, JobStatus.CANCELLED}

    @property
    def input_prefix(self) -> str:
        return f"uploads/{self.owner_id}/{self.pk}/"

    @property
    def input_key(self) -> str:
        """Where the upload goes. Made of ids, so that no file name can reach another key."""
        return f"{self.input_prefix}input"

    @property
    def result_prefix(self) -> str:
        return f"{RESULTS}{self.owner_id}/{self.pk}/"

    @property
    def export_prefix(self) -> str:
        return f"{EXPORTS}{self.owner_id}/{self.pk}/"

    def attempt_folder(self, token: uuid.UUID) -> str:
        """Return the folder of the attempt whose lease is `token`; it ends with a slash."""
        return f"{self.result_prefix}{token}/"


class PartedUpload(models.Model):
    """An upload whose file is sent to S3 in parts. The row goes once the parts are one object, or are removed."""

    job = models.OneToOneField(Job, primary_key=True, on_delete=models.CASCADE, related_name="parted")
    upload_id = models.CharField(max_length=1024, help_text="S3's id of the multipart upload.")
    size = models.BigIntegerField(help_text="Bytes of the whole file, as its owner says.")
    part_size = models.BigIntegerField(help_text="Bytes of each part but the last.")

    def __str__(self) -> str:
        return f"upload of job {self.job_id} in {self.count} parts"

    @property
    def count(self) -> int:
        """Number of parts."""
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """Return the bytes of a part, numbered from 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


class UploadPart(models.Model):
    """What a part of an upload is to be: its owner asked for an address to send it to."""

    upload = models.ForeignKey(PartedUpload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="From 1.")
    sha256 = models.CharField(max_length=64, help_text="Of the part's bytes, in hexadecimal.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once"),)

    def __str__(self) -> str:
        return f"part {self.number} of the upload of job {self.upload_id}"


class ResultFile(models.Model):
    """The annotated VCF of a job, and where its bytes are."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="result")
    state = models.CharField(max_length=10, choices=ResultState, default=ResultState.AVAILABLE)
    key = models.CharField(max_length=255, help_text="In the results bucket.")
    index_key = models.CharField(max_length=255, help_text="Its tabix index.")
    size = models.BigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    tsv_size = models.BigIntegerField(null=True, help_text="Bytes of its flat table; empty if it has none.")
    parquet_size = models.BigIntegerField(null=True, help_text="Bytes of its Parquet file; empty if it has none.")
    parquet_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    parquet_version = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="Of its columns (annotator.tables.schema); an older one is made again."
    )
    stats_size = models.BigIntegerField(null=True, help_text="Bytes of its statistics; empty if it has none.")
    more_sizes: "models.JSONField[Any, Any]" = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Bytes of its outputs that have no column, by kind."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    archive_due_at = models.DateTimeField(null=True, help_text="When it is to be archived; empty for never.")
    lease_token = models.UUIDField(null=True, help_text="Of the worker that archives or restores it.")
    lease_expires_at = models.DateTimeField(null=True)

    archive_route = models.CharField(max_length=5, blank=True, help_text="vault or class, as it was archived.")
    archive_id = models.CharField(
        max_length=255, blank=True, help_text="The archive's id in Glacier; empty if it is not archived."
    )
    archive_tree_hash = models.CharField(max_length=64, blank=True)
    archived_at = models.DateTimeField(null=True)
    hot_deleted_at = models.DateTimeField(null=True, help_text="When the copy in S3 was deleted, after archiving.")

    batch = models.ForeignKey("RestoreBatch", null=True, on_delete=models.SET_NULL, related_name="results")
    retrieval_id = models.CharField(max_length=255, blank=True)
    retrieval_tier = models.CharField(max_length=10, blank=True)
    retrieval_asked_at = models.DateTimeField(null=True, help_text="Written before Glacier is asked.")
    retrieval_tries = models.PositiveSmallIntegerField(default=0)
    restore_sent_at = models.DateTimeField(null=True, help_text="When the message to restore it was sent.")
    faults = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often in a row it could not be archived or restored."
    )
    damages = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often in a row its stored bytes were wrong."
    )
    problem = models.CharField(
        max_length=300, blank=True, help_text="Why it is no longer archived or restored, for staff."
    )

    class Meta:
        indexes = (
            models.Index(fields=["state", "archive_due_at"], name="result_due"),
            models.Index(fields=["state", "lease_expires_at"], name="result_lease"),
            models.Index(fields=["batch", "state"], name="result_of_batch"),
        )

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"

    def key_of(self, output: Output) -> str:
        """Return the key that an output of this result has in the results bucket, whether the object exists or not."""
        if output == outputs.VCF:
            return self.key
        if output == outputs.INDEX:
            return self.index_key
        neighbor = self.key if output.storage is Storage.REBUILT else self.index_key
        return f"{neighbor.rpartition('/')[0]}/{output.file_name}"

    def size_of(self, output: Output) -> int | None:
        """Return the size of an output in bytes; None if the row has none."""
        size: int | None = getattr(self, output.size_column) if output.size_column else self.more_sizes.get(output.kind)
        return size

    def note(self, output: Output, stored: StoredOutput | None) -> None:
        """Set the columns of an output to what S3 has of it; None for an output that does not exist. Does not save."""
        if output.size_column:
            setattr(self, output.size_column, stored and stored.size)
        elif stored is None:
            self.more_sizes.pop(output.kind, None)
        else:
            self.more_sizes[output.kind] = stored.size
        if output.sha256_column and stored is not None:
            setattr(self, output.sha256_column, stored.sha256)

    def columns_after(self, stored: Mapping[Output, StoredOutput | None]) -> dict[str, Any]:
        """Note some outputs, and return the columns that changed, for an UPDATE."""
        for output, one in stored.items():
            self.note(output, one)
        names = [name for output in stored for name in (output.size_column, output.sha256_column) if name]
        return {name: getattr(self, name) for name in (*names, "more_sizes")}

    @property
    def rebuilt_keys(self) -> list[str]:
        """The keys of the outputs that are built again after a restore, whether they exist or not."""
        return [self.key_of(output) for output in outputs.rebuilt()]

    @property
    def hot_keys(self) -> list[str]:
        """All keys that must not stay in S3 once the result is archived, whether they exist or not."""
        return [self.key, *self.rebuilt_keys]


class TableBuild(models.Model):
    """A long result, or one back from the archive, is to have its tables. A row until it has, or is archived."""

    result = models.OneToOneField(ResultFile, primary_key=True, on_delete=models.CASCADE, related_name="table_build")
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=clock.now, help_text="When its latest message is due, or its worker counts as dead."
    )
    unreadable_sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of the Parquet file that could not be opened; the same bytes again do not help.",
    )

    def __str__(self) -> str:
        return f"tables of result {self.pk}"


class RestoreBatch(models.Model):
    """Results of one person that are restored together: one request, one poll, one mail."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restore_batches")
    tiers = models.JSONField(default=list, help_text="Retrieval tiers, in the order in which they are asked for.")
    created_at = models.DateTimeField(auto_now_add=True)
    next_poll_at = models.DateTimeField(null=True, help_text="When its message is due; the sweep sends another after.")
    finished_at = models.DateTimeField(null=True)
    restored = models.PositiveIntegerField(default=0, help_text="Results that were restored.")
    given_up = models.PositiveIntegerField(default=0, help_text="Results that could not be restored.")
    late_told_at = models.DateTimeField(null=True, help_text="When staff were told that it takes too long.")

    class Meta:
        indexes = (models.Index(fields=["next_poll_at"], condition=models.Q(finished_at=None), name="batch_open"),)

    def __str__(self) -> str:
        return f"{self.pk} of {self.owner_id}"


class JobEvent(models.Model):
    """One line of a job's timeline: a move of one of the two machines, or a thing that somebody did."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    machine = models.CharField(max_length=10, blank=True, help_text="job, result, or empty.")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    message = models.TextField()
    detail: "models.JSONField[Any, Any]" = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.message


class Notice(models.Model):
    """A mail to a person, sent once. The row is written with the move that the mail announces."""

    Kind = notice_kinds.Kind

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="notices")
    facts = models.JSONField(default=dict, help_text="The content of the mail, in addition to the job.")
    kind = models.CharField(max_length=10, choices=notice_kinds.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(default=clock.now, help_text="When its latest message is due, or its next try.")
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["due_at"], condition=models.Q(sent_at=None, given_up_at=None), name="notice_unsent"),
        )

    def __str__(self) -> str:
        return f"{self.kind} to {self.owner_id}"


class Purge(models.Model):
    """Objects of a deleted job, to be deleted too.

    A worker or a browser may still be writing when the job goes, so its folders are emptied at once and again
    when nothing can come any more.
    """

    input_prefix = models.CharField(max_length=255)
    result_prefix = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(help_text="Nothing can be written to the folders after this.")
    sent_at = models.DateTimeField(default=clock.now, help_text="When its latest message is due at a worker.")
    emptied_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.result_prefix

    @property
    def export_prefix(self) -> str:
        """The folder of the exports of these results."""
        return self.result_prefix.replace(RESULTS, EXPORTS, 1)


class Removal(models.Model):
    """A copy that nobody needs any more: its result has another, was never committed, or is deleted.

    Or the folder of an attempt at a job that ended without a result.
    """

    route = models.CharField(
        max_length=10, help_text="Of the archive; hot for an object of the results bucket, folder for a folder of it."
    )
    copy_id = models.CharField(max_length=255, help_text="The archive's id, the object's key, or the folder's.")
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(default=clock.now, help_text="Not before; then, when its latest message is due.")
    until = models.DateTimeField(
        null=True, help_text="Until then its worker may still write the copy; it is removed once more afterwards."
    )
    tries = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often in a row it could not be removed."
    )

    def __str__(self) -> str:
        return f"{self.route} {self.copy_id}"


class DeletedJob(models.Model):
    """That there was a job, and it was deleted: what the vault still has of it may go. Nothing of anybody is in it."""

    job = models.UUIDField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.job)


class VaultInventory(models.Model):
    """The vault's own list, asked for every INVENTORY_DAYS and compared with the results."""

    job_id = models.CharField(max_length=100, help_text="Glacier's.")
    asked_at = models.DateTimeField(auto_now_add=True)
    compared_at = models.DateTimeField(null=True)
    report_only = models.BooleanField(
        default=False, db_default=False, help_text="Asked for by reconcile_storage: nothing is removed because of it."
    )
    archives = models.PositiveBigIntegerField(default=0, help_text="How many it lists.")
    removed = models.PositiveIntegerField(default=0, help_text="Archives of results that are whole elsewhere.")
    strangers = models.PositiveIntegerField(default=0, help_text="Archives that no result names, and that were kept.")
    strangers_ids: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="The first 1,000 of these.")

    class Meta:
        verbose_name_plural = "vault inventories"

    def __str__(self) -> str:
        return f"asked for at {self.asked_at:%Y-%m-%d %H:%M}"


class StorageScan(models.Model):
    """An inventory of both buckets, compared with the rows page by page; see gas.jobs.storage.stray_objects."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    area = models.PositiveSmallIntegerField(default=0, help_text="How many of the folders have been listed.")
    cursor = models.CharField(max_length=1024, blank=True, help_text="The last key that was listed.")
    objects_seen = models.PositiveBigIntegerField(default=0)
    strays = models.PositiveBigIntegerField(default=0, help_text="Objects that no row names. They are kept.")
    stray_keys: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="The first 1,000 of these.")

    def __str__(self) -> str:
        return f"begun at {self.started_at:%Y-%m-%d %H:%M}"


class UploadSwitch(models.Model):
    """The site-wide "no new uploads": one row, which a migration makes."""

    open = models.BooleanField(default=True, help_text="Untick to refuse new uploads on the whole site.")
    message = models.CharField(
        max_length=300,
        blank=True,
        help_text="Shown to people instead of the upload form, such as when uploads open again.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "uploads switch"

    def __str__(self) -> str:
        return "Uploads are open" if self.open else "Uploads are closed"


class ReferencePack(models.Model):
    """A reference pack that the service knows. Its files are in REFERENCES_DIR of each machine, or in REFERENCES_S3.

    Jobs name a pack by its id. One that is retired is not offered for new files; old jobs keep what they have of it.
    """

    id = models.CharField(primary_key=True, max_length=64)
    title = models.CharField(max_length=200)
    organism = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    checksum = models.CharField(max_length=64, help_text="SHA-256 of its manifest, which has those of its files.")
    contigs: "models.JSONField[Any, Any]" = models.JSONField(
        default=list, blank=True, help_text="The longest: name, length, md5, accession, circular, aliases."
    )
    installed_at = models.DateTimeField(default=timezone.now, help_text="When the service first listed it.")
    published_at = models.DateTimeField(null=True, blank=True, help_text="When it was put into S3 for the workers.")
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.id


class VariantSource(models.Model):
    """A source of known variants of a reference pack, in the version that jobs use.

    Its files are in the folder `sources` of REFERENCES_DIR on each machine, or of REFERENCES_S3. New jobs leave out a
    retired source; existing results keep its annotations.
    """

    reference = models.ForeignKey(ReferencePack, on_delete=models.PROTECT, related_name="sources")
    name = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    checksum = models.CharField(max_length=64, help_text="SHA-256 of its manifest, which has those of its files.")
    tags: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="The INFO tags that it writes.")
    alleles = models.PositiveBigIntegerField(default=0, help_text="How many it knows.")
    installed_at = models.DateTimeField(default=timezone.now, help_text="When the service came to know it.")
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="When this version was put into S3 for the workers."
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("reference", "name")
        verbose_name = "source of known variants"
        verbose_name_plural = "sources of known variants"
        constraints = (models.UniqueConstraint(fields=["reference", "name"], name="source_of_pack"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.reference_id}"
