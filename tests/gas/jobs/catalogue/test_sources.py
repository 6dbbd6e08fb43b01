"""Sources of known variants between machines: published by command, brought to workers, replaced, retired, withdrawn.

A machine is a folder of packs; the bucket and the database are what they share.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings as configured
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.errors import Cancelled, EngineError
from annotator.install import download
from annotator.install.openers import Answer, Interrupted
from annotator.reference.pack import load_reference
from annotator.sources import published
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.manifest import Source, source_names, sources_folder
from annotator.sources.origin import Request
from annotator.tasks import annotate_job
from gas.aws import clients, mirror
from gas.jobs.catalogue import packs, references, source_files, sources
from gas.jobs.models import Job, ResultFile, VariantSource
from gas.jobs.outputs import PARQUET, STATS, SUMMARY, TSV
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.sources.genomes import text
from tests.support.glacier_standin import StandIn
from tests.support.people import make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws", "queued")]

BUCKET, PACK = "packs", "rCRS"
PAGE = "/admin/jobs/variantsource/"
HEADER = '##fileformat=VCFv4.2\n##INFO=<ID=S,Number=1,Type=String,Description="s">\n'

Machine = Callable[[str], Path]
Publish = Callable[..., Source]


@pytest.fixture(autouse=True)
def bucket(aws: object, settings: Any) -> None:
    clients.s3().create_bucket(Bucket=BUCKET)
    settings.REFERENCES_S3 = f"{BUCKET}/of/lab"


@pytest.fixture
def machine(settings: Any, tmp_path: Path) -> Machine:
    """Goes to a machine."""

    def go(name: str) -> Path:
        settings.REFERENCES_DIR, settings.WORK_DIR = tmp_path / name, tmp_path
        settings.REFERENCES_DIR.mkdir(exist_ok=True)
        return tmp_path / name

    return go


def put(folder: Path, word: str, name: str = "mine", tag: str = "") -> Source:
    """Install a version of a source on a machine: it says `word` of m.11778G>A, and something of many others."""
    reference = load_reference(PACK)
    rows = []
    for pos in (*range(1000, 3000), 11778):
        base = reference.sequence.fetch("MT", pos, pos)
        rows.append(f"MT {pos} . {base} {'A' if base != 'A' else 'C'} . . S={word if pos == 11778 else hash_of(pos)}")
    file = folder.parent / f"{name}.vcf"
    file.write_bytes(text(HEADER, rows))
    request = Request(name, "Mine", (Wanted("S", tag or f"{name}_S"),), (str(file),), version=word)
    return install(request, reference, folder)


def hash_of(pos: int) -> str:
    return f"{pos * 2654435761 % 2**32:x}{pos * 40503 % 2**32:x}"


@pytest.fixture
def publish(machine: Machine) -> Publish:
    """Publishes a version from the first machine, and comes back to where one was."""

    def publishes(word: str, name: str = "mine", tag: str = "") -> Source:
        before = configured.REFERENCES_DIR
        folder = machine("publisher")
        source = put(folder, word, name, tag)
        source_files.publish(folder, load_reference(PACK), name)
        if before:
            machine(before.name)
        return source

    return publishes


def annotated(job: Job) -> Job:
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    return job


def once_more(job: Job) -> Job:
    """As if it had lost its first worker's results."""
    ResultFile.objects.filter(job=job).delete()
    Job.objects.filter(pk=job.pk).update(
        status=JobStatus.PENDING, sent_at=timezone.now(), finished_at=None, lease_token=None, lease_expires_at=None
    )
    job.refresh_from_db()
    return job


def files_of(job: Job) -> dict[str, bytes]:
    """All that the service has stored of a job, by name."""
    result = ResultFile.objects.get(job=job)
    keys = [result.key, result.index_key, *map(result.key_of, (SUMMARY, TSV, PARQUET, STATS))]
    return {
        key.rpartition("/")[2]: clients.s3().get_object(Bucket=configured.S3_RESULTS_BUCKET, Key=key)["Body"].read()
        for key in [*keys, job.log_key]
    }


def said(job: Job) -> list[str]:
    """What the sources said of the job's one variant."""
    found: dict[str, str] = job.preview[0]["sources"]
    return list(found.values())


def keys() -> list[str]:
    return [item["Key"] for item in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def took(held: ExitStack | None = None) -> list[str]:
    """The versions that a job would use now, by what they call themselves."""
    with ExitStack() as stack:
        return [source.version for source in source_files.take(PACK, held or stack).sources]


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("install_source", *arguments, "--reference", PACK, stdout=out)
    return out.getvalue()


def brought(folder: Path) -> list[str]:
    return [path.name for path in published.brought(folder, PACK)]


# --- From one machine to others


def test_published_on_one_machine_a_source_is_in_the_results_of_another_to_the_byte(
    machine: Machine, pending: Callable[..., Job], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine("first")
    publish("Other", "Zeta")  # another one, of which letters go before those of `mine` in ASCII alone
    put(first, "Known")
    command("mine", "--publish", "--installed")
    job = annotated(pending())
    assert job.status == JobStatus.COMPLETED, job.failure_message
    assert said(job) == ["Other", "Known"]
    made = files_of(job)
    second = machine("second")
    assert annotated(once_more(job)).status == JobStatus.COMPLETED
    assert said(job) == ["Other", "Known"]
    assert files_of(job) == made
    assert len(made) == 7
    assert len(brought(second)) == 2
    assert brought(first) == [name for name in brought(second) if name.startswith("Zeta")]
    assert not list((second / ".downloads").iterdir())
    monkeypatch.setattr(packs, "OPENERS", {})  # nothing more is fetched
    assert annotated(once_more(job)).status == JobStatus.COMPLETED
    assert files_of(job) == made


def test_a_job_whose_sources_are_here_asks_s3_for_nothing_more(
    aws: StandIn, machine: Machine, pending: Callable[..., Job], publish: Publish
) -> None:
    machine("worker")
    counted = []
    for _ in range(2):
        job = pending()
        aws.calls.clear()
        assert annotated(job).status == JobStatus.COMPLETED
        counted.append(sorted(aws.calls))
        if len(counted) == 1:
            publish("Known")
            took()
    assert said(job) == ["Known"]
    assert counted[0] == counted[1]


def test_only_what_is_published_is_used_whatever_a_machine_has_besides(machine: Machine, publish: Publish) -> None:
    folder = machine("worker")
    put(folder, "unpublished", "extra")
    put(folder, "local")
    assert took() == []
    publish("published")
    assert took() == ["published"]
    assert source_names(folder, PACK) == ["extra", "mine"]  # what was installed by hand stays as it is


def test_without_a_place_in_s3_each_machine_uses_its_own(machine: Machine, settings: Any) -> None:
    settings.REFERENCES_S3 = ""
    folder = machine("worker")
    put(folder, "local")
    assert took() == ["local"]
    sources.register_all()
    sources.retire(list(VariantSource.objects.values_list("pk", flat=True)))
    assert took() == []
    command("mine", "--reinstate")
    assert took() == ["local"]
    settings.REFERENCES_DIR = None
    assert took() == []


@pytest.mark.django_db(transaction=True)  # the threads have connections of their own
def test_several_workers_of_a_machine_bring_it_once(
    machine: Machine, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    machine("worker")
    opened: list[str] = []
    open_s3 = mirror.open_s3

    def counted(url: str, start: int, version: str) -> Any:
        opened.append(url)
        return open_s3(url, start, version)

    monkeypatch.setitem(packs.OPENERS, "s3", counted)
    found: list[list[str]] = []

    def work() -> None:
        found.append(took())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["first"]] * 4
    assert len(opened) == len(set(opened)) == 4


# --- A newer version


def test_a_newer_version_is_for_the_next_job_and_a_running_one_keeps_its_own(
    machine: Machine, publish: Publish
) -> None:
    publish("first")
    folder = machine("worker")
    with ExitStack() as running:
        kept = source_files.take(PACK, running).sources[0]
        publish("second")
        assert took() == ["second"]
        assert published.is_whole(kept)
        assert len(brought(folder)) == 2
    assert took() == ["second"]
    assert [name for name in brought(folder) if kept.checksum in name] == []
    assert len(brought(folder)) == 1


def test_a_version_that_is_replaced_while_it_is_fetched_gives_way_to_the_newer(
    machine: Machine, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish("first")
    folder = machine("worker")
    open_s3 = mirror.open_s3
    begun = []

    @contextmanager
    def replaced(url: str, start: int, version: str) -> Iterator[Answer]:
        if url.endswith("table.tsv.gz") and not begun:
            begun.append(url)
            publish("second")
            for key in keys():
                if first.checksum in key:
                    clients.s3().delete_object(Bucket=BUCKET, Key=key)
        with open_s3(url, start, version) as answer:
            yield answer

    monkeypatch.setitem(packs.OPENERS, "s3", replaced)
    assert took() == ["second"]
    assert begun
    assert len(brought(folder)) == 1
    assert not list((folder / ".downloads").iterdir())


def test_what_another_worker_has_just_brought_is_not_deleted_by_an_earlier_answer(
    machine: Machine, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer version is published, and brought, between one worker's question to the database and its tidying up."""
    publish("first")
    folder = machine("worker")
    assert took() == ["first"]
    publish("zero")
    to_keep = sources.to_keep

    def later(pack_id: str) -> list[published.Version]:
        kept = to_keep(pack_id)
        monkeypatch.setattr(sources, "to_keep", to_keep)
        publish("second")
        assert took() == ["second"]
        return kept

    monkeypatch.setattr(sources, "to_keep", later)
    took()
    opened = len(brought(folder))
    monkeypatch.setattr(packs, "OPENERS", {})
    assert opened
    assert took() == ["second"]


def test_when_publishing_stops_half_way_jobs_go_on_with_the_version_before(
    machine: Machine, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    send, count = mirror.put, 0

    def failing(path: Path, url: str) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise clients.BotoCoreError
        send(path, url)

    monkeypatch.setattr(mirror, "put", failing)
    folder = machine("publisher")
    put(folder, "second")
    with pytest.raises(CommandError, match=r"S3 could not be written to: .* --publish --installed"):
        command("mine", "--publish", "--installed")
    machine("worker")
    assert took() == ["first"]
    machine("publisher")
    assert "Published at" in command("mine", "--publish", "--installed")
    machine("worker")
    assert took() == ["second"]


def test_the_manifest_goes_last_and_an_earlier_version_can_come_back(machine: Machine, publish: Publish) -> None:
    first = publish("first")
    publish("second")
    assert sum(first.checksum in key for key in keys()) == 4
    folder = machine("publisher")
    assert put(folder, "first").checksum == first.checksum
    told: list[str] = []
    assert source_files.publish(folder, load_reference(PACK), "mine", told.append)
    assert told == []  # its files are there
    machine("worker")
    assert took() == ["first"]
    publish("third")
    machine("publisher")
    put(folder, "fourth")
    source_files.publish(folder, load_reference(PACK), "mine", told.append)
    assert told[-1] == "manifest.json"
    assert len(told) == 4


def test_a_newer_version_that_is_only_installed_changes_nothing_for_jobs(
    machine: Machine, publish: Publish, tmp_path: Path
) -> None:
    publish("first")
    machine("publisher")
    options = ("--from", str(tmp_path / "mine.vcf"), "--fields", "S", "--title", "Mine", "--source-version", "second")
    assert "is not published: jobs do not use it" in command("mine", *options)
    sources.register_all()
    assert VariantSource.objects.get().version == "first"
    assert command("--list") == (
        "mine: Mine second, 2,001 alleles, mine_S\nmine: Mine first, 2,001 alleles, mine_S, published, not here\n"
    )
    assert took() == ["first"]


# --- What goes wrong


@pytest.mark.parametrize("name", ["table.tsv.gz", "manifest.json"])
def test_what_was_changed_in_the_bucket_is_not_used(
    machine: Machine, publish: Publish, pending: Callable[..., Job], name: str
) -> None:
    source = publish("first")
    folder = machine("worker")
    key = f"of/lab/sources/{PACK}/mine/{source.checksum}/{name}"
    good = clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=bytes(bad))
    job = annotated(pending())
    assert (job.status, job.failure_code) == (JobStatus.PENDING, "")  # for another try: the file is not to blame
    with pytest.raises(EngineError, match=f"{name} came damaged"):
        took()
    assert brought(folder) == []
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=good)
    Job.objects.update(sent_at=timezone.now())
    assert annotated(job).status == JobStatus.COMPLETED
    assert said(job) == ["first"]


def test_a_full_disk_leaves_no_half_source(machine: Machine, publish: Publish) -> None:
    publish("first")
    folder = machine("worker")
    with no_room_beyond(10_000), pytest.raises(EngineError, match="not enough space"):
        took()
    assert brought(folder) == []
    assert took() == ["first"]
    assert not list((folder / ".downloads").iterdir())


def test_a_connection_that_is_cut_for_good_leaves_no_half_source_and_is_gone_on_with(
    machine: Machine, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    folder = machine("worker")
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)
    open_s3, starts = mirror.open_s3, []
    cut = True

    @contextmanager
    def cuts(url: str, start: int, version: str) -> Iterator[Answer]:
        if not url.endswith("table.tsv.gz"):
            with open_s3(url, start, version) as answer:
                yield answer
            return
        starts.append(start)
        if cut and start:
            raise Interrupted("cut")
        with open_s3(url, start, version) as answer:

            def some() -> Iterator[bytes]:
                yield next(answer.body)[:9000]
                raise Interrupted("cut")

            body = some() if cut else answer.body
            yield Answer(answer.start, answer.total, answer.version, answer.modified, body)

    monkeypatch.setitem(packs.OPENERS, "s3", cuts)
    with pytest.raises(EngineError, match="could not be fetched in full: cut"):
        took()
    assert brought(folder) == []
    cut = False
    assert took() == ["first"]
    assert starts[-1] == 9000


def test_a_job_that_ends_meanwhile_ends_the_fetching(machine: Machine, publish: Publish) -> None:
    publish("first")
    folder = machine("worker")

    def gone() -> None:
        raise Cancelled

    with ExitStack() as held, pytest.raises(Cancelled):
        source_files.take(PACK, held, gone)
    assert brought(folder) == []


def test_a_source_that_is_not_here_within_the_time_is_gone_on_with_by_the_next_try(
    machine: Machine, publish: Publish, pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    folder = machine("worker")
    open_s3, starts = mirror.open_s3, []

    @contextmanager
    def slow(url: str, start: int, version: str) -> Iterator[Answer]:
        with open_s3(url, start, version) as answer:
            if not url.endswith("table.tsv.gz"):
                yield answer
                return
            starts.append(start)

            def some() -> Iterator[bytes]:
                yield next(answer.body)[:9000]
                raise SoftTimeLimitExceeded

            body = some() if len(starts) == 1 else answer.body
            yield Answer(answer.start, answer.total, answer.version, answer.modified, body)

    monkeypatch.setitem(packs.OPENERS, "s3", slow)
    job = annotated(pending())
    assert (job.status, job.failure_code) == (JobStatus.PENDING, "")
    assert brought(folder) == []
    Job.objects.update(sent_at=timezone.now())
    assert annotated(job).status == JobStatus.COMPLETED
    assert starts == [0, 9000]


def test_only_a_try_that_found_its_sources_here_can_say_that_a_file_takes_too_long(
    machine: Machine, publish: Publish, pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    machine("worker")

    def time_is_up(*_: Any, **__: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr("annotator.tasks.annotate", time_is_up)
    job = annotated(pending())
    assert job.status == JobStatus.PENDING
    Job.objects.update(sent_at=timezone.now())
    assert (annotated(job).status, job.failure_code) == (JobStatus.FAILED, "too-long")


# --- Retiring and taking back


def test_a_retired_source_is_left_out_everywhere_and_can_come_back(
    machine: Machine,
    publish: Publish,
    pending: Callable[..., Job],
    staff: User,
    browser_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish("first")
    folder = machine("worker")
    old = annotated(pending())
    row = VariantSource.objects.get()
    client = browser_of(staff)
    assert "Mine" in client.get(PAGE).content.decode()
    answer = client.post(PAGE, {"action": "retire", "_selected_action": [row.pk]}, follow=True).content.decode()
    assert "1 of 1 sources are retired now" in answer
    assert f"by {staff}" in answer
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (staff, "Retire the selected sources: not for new jobs")
    job = annotated(pending())
    assert job.status == JobStatus.COMPLETED
    assert job.summary["sources"] == []
    assert said(old) == ["first"]
    page = browser_of(old.owner).get(old.get_absolute_url())
    assert "first" in page.content.decode()
    assert len(brought(folder)) == 1  # it may come back
    monkeypatch.setattr(packs, "OPENERS", {})
    client.post(PAGE, {"action": "reinstate", "_selected_action": [row.pk]})
    assert LogEntry.objects.count() == 2
    assert said(annotated(pending())) == ["first"]
    detail = client.get(reverse("admin:jobs_variantsource_change", args=[row.pk]))
    assert detail.status_code == 200
    assert b'name="_save"' not in detail.content
    assert client.post(f"{PAGE}add/", {"name": "x"}).status_code == 403


def test_a_newer_version_of_a_retired_source_stays_retired(machine: Machine, publish: Publish) -> None:
    publish("first")
    machine("worker")
    sources.retire([VariantSource.objects.get().pk])
    publish("second")
    assert took() == []


def test_who_may_only_look_cannot_retire(
    machine: Machine, publish: Publish, browser_of: Callable[[User], Client]
) -> None:
    publish("first")
    looker = make_person("looker@gas.example")
    User.objects.filter(pk=looker.pk).update(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_variantsource"))
    client = browser_of(looker)
    assert "mine" in client.get(PAGE).content.decode()
    client.post(PAGE, {"action": "retire", "_selected_action": [VariantSource.objects.get().pk]})
    assert not VariantSource.objects.exclude(retired_at=None).exists()


def test_staff_see_what_is_installed_and_not_published_and_a_damaged_one_does_no_harm(
    machine: Machine, staff: User, browser_of: Callable[[User], Client], settings: Any
) -> None:
    folder = machine("web")
    put(folder, "first")
    manifest = put(folder, "second", "broken").folder / "manifest.json"
    whole = manifest.read_bytes()
    manifest.write_text("{")
    page = browser_of(staff).get(PAGE).content.decode()
    assert "Not published" in page
    assert [row.name for row in VariantSource.objects.all()] == ["mine"]
    settings.REFERENCES_S3 = ""
    manifest.write_bytes(whole)
    put(folder, "third")
    assert "Not published" not in browser_of(staff).get(PAGE).content.decode()
    assert [row.version for row in VariantSource.objects.order_by("name")] == ["second", "third"]


def test_a_source_is_taken_back_from_everywhere(
    machine: Machine, publish: Publish, pending: Callable[..., Job]
) -> None:
    publish("first")
    publish("other", "other")
    folder = machine("worker")
    old = annotated(pending())
    machine("publisher")
    assert "Withdrawn from s3://packs/of/lab/sources/rCRS/mine" in command("mine", "--remove", "--publish")
    assert not [key for key in keys() if "/mine/" in key]
    assert source_names(configured.REFERENCES_DIR, PACK) == ["other"]
    machine("worker")
    job = annotated(pending())
    assert [one["name"] for one in job.summary["sources"]] == ["other"]
    assert [name.partition("-")[0] for name in brought(folder)] == ["other"]
    old.refresh_from_db()
    assert sorted(said(old)) == ["first", "other"]
    with pytest.raises(CommandError, match="No source mine is installed for rCRS"):
        command("mine", "--remove", "--publish")


def test_removing_it_from_one_machine_changes_nothing_for_jobs(machine: Machine, publish: Publish) -> None:
    publish("first")
    machine("publisher")
    command("mine", "--remove")
    assert "published, not here" in command("--list")
    assert took() == ["first"]


# --- The command


def test_the_command_installs_and_publishes(machine: Machine, tmp_path: Path) -> None:
    folder = machine("publisher")
    put(folder, "first")
    file = tmp_path / "mine.vcf"
    options = ("mine", "--from", str(file), "--fields", "S", "--title", "Mine", "--source-version", "first")
    said = command(*options)
    assert VariantSource.objects.get().published_at is None
    assert took() == []
    assert "is not published: jobs do not use it" in said
    said = command(*options, "--publish")
    source = VariantSource.objects.get()
    assert "Installed for rCRS: mine: Mine first, 2,001 alleles, mine_S" in said
    assert "Publishing table.tsv.gz\n" in said
    assert "Published at s3://packs/of/lab/sources/rCRS/mine\n" in said
    assert "Already published at s3://packs" in command(*options, "--publish")
    assert (source.tags, source.alleles, source.published_at is not None) == (["mine_S"], 2001, True)
    assert command("--list") == "mine: Mine first, 2,001 alleles, mine_S, published\n"
    command("mine", "--retire")
    assert command("--list") == "mine: Mine first, 2,001 alleles, mine_S, published, retired\n"
    assert took() == []
    assert "is retired: no job uses it" in command("mine", "--publish", "--installed")
    machine("elsewhere")
    assert command("--list") == "mine: Mine first, 2,001 alleles, mine_S, published, not here, retired\n"
    command("mine", "--reinstate")
    assert took() == ["first"]
    assert sources_folder(folder, PACK).is_dir()


def test_what_cannot_be_published_is_one_sentence(
    machine: Machine, publish: Publish, settings: Any, tmp_path: Path
) -> None:
    publish("first")
    folder = machine("publisher2")
    with pytest.raises(CommandError, match="mine cannot be read"):
        command("mine", "--publish", "--installed")
    put(folder, "clash", "other", tag="mine_S")
    with pytest.raises(CommandError, match="mine is published for rCRS and writes the tag mine_S already"):
        command("other", "--publish", "--installed")
    damaged = put(folder, "damaged", "broken")
    with (damaged.folder / "table.tsv.gz").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(CommandError, match="broken is damaged, or was made for another rCRS: install it again"):
        command("broken", "--publish", "--installed")
    with pytest.raises(CommandError, match="--installed goes with --publish"):
        command("mine", "--installed")
    settings.REFERENCES_S3 = ""
    with pytest.raises(CommandError, match="Set REFERENCES_S3 to the bucket and prefix"):
        command("mine", "--publish")
    assert VariantSource.objects.exclude(published_at=None).count() == 1


@pytest.mark.django_db(transaction=True)  # the threads have connections of their own
def test_of_two_with_one_tag_that_are_published_at_once_one_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [put(machine(name), name, name, tag="same_tag") for name in ("one", "two")]
    reference = load_reference(PACK)
    references.register_all()
    together, check_tags = threading.Barrier(2), sources.check_tags

    def slowly(source: Source, pack_id: str) -> None:
        check_tags(source, pack_id)
        with suppress(threading.BrokenBarrierError):  # the other one cannot come here, if all is well
            together.wait(timeout=1)

    monkeypatch.setattr(sources, "check_tags", slowly)
    said: list[str] = []

    def use(source: Source) -> None:
        try:
            said.append(f"used {sources.use(source, reference)}")
        except sources.TagsClash as clash:
            said.append(str(clash).partition(":")[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=(source,)) for source in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "used True" in said
    assert len([line for line in said if "writes the tag same_tag already" in line]) == 1
    assert VariantSource.objects.exclude(published_at=None).count() == 1
