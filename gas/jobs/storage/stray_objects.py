"""Scan both buckets for objects that no row names, a few pages an hour, and report them to staff.

They cost money, but some may be the only remains of a job: after the database was restored from a backup, the objects
of newer jobs are strays. So nothing is deleted here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from gas import clock
from gas.aws import s3
from gas.jobs.models import Job, Purge, Removal, ResultFile, StorageScan
from gas.staff.alerts import alert

#: A younger object may belong to a row that is about to be written.
YOUNG = timedelta(days=1)
PAGE = 1000
#: How many keys a scan stores, and how many an alert shows.
KEYS_KEPT, KEYS_SHOWN = 1000, 20
SCANS_KEPT = 10


def areas() -> list[tuple[str, str]]:
    """Return (bucket, prefix) of all objects that the service stores for jobs, in the order of listing."""
    results = settings.S3_RESULTS_BUCKET
    return [(settings.S3_INPUTS_BUCKET, "uploads/"), (results, "results/"), (results, "archive/")]


def scan() -> StorageScan | None:
    """List the next STORAGE_SCAN_PAGES pages; start a scan if one is due. Return the scan if it has ended."""
    current = StorageScan.objects.order_by("-pk").first()
    if current is None or current.finished_at is not None:
        if not settings.STORAGE_SCAN_HOURS or not _is_due(current):
            return None
        current = StorageScan.objects.create(started_at=clock.now())
    for _ in range(settings.STORAGE_SCAN_PAGES):
        # A killed process may have left a scan that has listed everything and is not finished.
        if current.area < len(areas()) and not _next_page(current):
            return None  # another process is scanning
        if current.area >= len(areas()):
            _finish(current)
            return current
    return None


def strays_in(keys: Iterable[str]) -> list[str]:
    """Return those of at most a page of keys that no row names. Queries: five, whatever the number of keys."""
    parsed = {key: place for key in keys if (place := _Place.of(key))}
    jobs = {
        job.pk: job
        for job in Job.objects.filter(pk__in={place.job for place in parsed.values()}).only(
            "owner_id", "log_key", "lease_token", "status"
        )
    }
    found = ResultFile.objects.filter(job__in=jobs).only("job_id", "key", "index_key", "archive_id", "lease_token")
    results = {result.job_id: result for result in found}
    folders = {place.folder for place in parsed.values()}
    removed = set(Removal.objects.filter(copy_id__in=[*parsed, *folders]).values_list("copy_id", flat=True))
    purged = {prefix for pair in Purge.objects.values_list("input_prefix", "result_prefix") for prefix in pair}

    def is_named(key: str) -> bool:
        place = parsed.get(key)
        if place is None:
            return False
        if key in removed or place.folder in removed or not purged.isdisjoint(place.above):
            return True
        job = jobs.get(place.job)
        return job is not None and place.person == str(job.owner_id) and _names(job, results.get(job.pk), key, place)

    return [key for key in keys if not is_named(key)]


def all_strays() -> Iterator[str]:
    """List both buckets completely, and yield the keys that no row names, independent of the scans."""
    for bucket, prefix in areas():
        after = ""
        while True:
            page = s3.list_page(bucket, prefix, after=after, limit=PAGE)
            yield from strays_in(_old(page.objects))
            if not page.more:
                break
            after = page.objects[-1].key


@dataclass(frozen=True)
class _Place:
    """The parts of a key: kind/person/job/… `folder` is the attempt's folder, and `above` its parent folders."""

    kind: str
    person: str
    job: UUID
    rest: str
    folder: str
    above: tuple[str, ...]

    @classmethod
    def of(cls, key: str) -> "_Place | None":
        kind, _, tail = key.partition("/")
        parts = tail.split("/")
        if len(parts) < 3:
            return None
        try:
            job = UUID(parts[1])
        except ValueError:
            return None
        person, rest = parts[0], "/".join(parts[2:])
        of_job = f"{kind}/{person}/{parts[1]}/"
        return cls(kind, person, job, rest, f"{of_job}{parts[2]}/", (f"{kind}/{person}/", of_job))


def _names(job: Job, result: ResultFile | None, key: str, place: _Place) -> bool:
    """Return whether the job's rows name the object. An object that a worker is writing counts as named."""
    if place.kind == "uploads":
        return key == job.input_key
    leased = {str(row.lease_token) for row in (job, result) if row is not None and row.lease_token}
    if place.rest.split("/")[0] in leased:
        return True
    if place.kind == "archive":
        return result is not None and (result.archive_id == key or settings.ARCHIVE_KEEP_RESTORED)
    if key == job.log_key:
        return True
    return result is not None and (result.key.startswith(place.folder) or result.index_key.startswith(place.folder))


def _old(objects: Iterable[s3.ListedObject]) -> list[str]:
    before = clock.now() - YOUNG
    return [item.key for item in objects if item.modified_at < before]


def _is_due(last: StorageScan | None) -> bool:
    return last is None or last.started_at < clock.now() - timedelta(hours=settings.STORAGE_SCAN_HOURS)


def _next_page(current: StorageScan) -> bool:
    """List one page and record how far the scan has come. Returns False if another process did so first."""
    bucket, prefix = areas()[current.area]
    page = s3.list_page(bucket, prefix, after=current.cursor, limit=PAGE)
    strays = strays_in(_old(page.objects))
    mine = StorageScan.objects.filter(pk=current.pk, area=current.area, cursor=current.cursor)
    if page.more:
        current.cursor = page.objects[-1].key
    else:
        current.area, current.cursor = current.area + 1, ""
    current.objects_seen += len(page.objects)
    current.strays += len(strays)
    current.stray_keys = [*current.stray_keys, *strays][:KEYS_KEPT]
    fields = ("area", "cursor", "objects_seen", "strays", "stray_keys")
    return bool(mine.update(**{name: getattr(current, name) for name in fields}))


def _finish(current: StorageScan) -> None:
    """Alert staff unless the previous scan found the same objects, and delete old scans."""
    now: datetime = clock.now()
    if not StorageScan.objects.filter(pk=current.pk, finished_at=None).update(finished_at=now):
        return
    current.finished_at = now
    before = StorageScan.objects.filter(pk__lt=current.pk).exclude(finished_at=None).order_by("-pk").first()
    same = before is not None and (before.strays, before.stray_keys) == (current.strays, current.stray_keys)
    if current.strays and not same:
        shown = "\n".join(current.stray_keys[:KEYS_SHOWN])
        more = f"\n… and {current.strays - KEYS_SHOWN:,} more" if current.strays > KEYS_SHOWN else ""
        alert(
            f"S3 holds {current.strays:,} objects that no row names",
            f"They were kept, and are paid for:\n{shown}{more}\n\n`manage.py reconcile_storage` lists all of them, and "
            "says which result they may belong to.",
        )
    kept = StorageScan.objects.order_by("-pk").values_list("pk", flat=True)[:SCANS_KEPT]
    StorageScan.objects.exclude(pk__in=list(kept)).delete()
