"""Reference packs as the service knows them: offered, retired, installed by command, published, fetched by workers."""

import dataclasses
import hashlib
import io
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.errors import Cancelled, EngineError
from annotator.install import download
from annotator.install.install import Wanted, install
from annotator.install.openers import Answer
from annotator.reference.pack import load_reference
from gas.aws import clients, mirror
from gas.jobs.catalogue import packs, references
from gas.jobs.lifecycle import actions
from gas.jobs.lifecycle.uploads import UploadRefused, open_upload
from gas.jobs.models import Job, ReferencePack
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.install.server import Behaviour, Server, serving
from tests.support import gene_styles
from tests.support.genome import ASSEMBLY, RELEASE, SPECIES, STEM, fasta, make_genome, serve_as_ensembl
from tests.support.people import make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws")]

BUCKET = "packs"
PAGE = "/admin/jobs/referencepack/"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed pack, to be copied."""
    root = tmp_path_factory.mktemp("made")
    serve_as_ensembl(root / "pub", make_genome())
    return install(Wanted(SPECIES, base=(root / "pub").as_uri()), root / "references").folder


@pytest.fixture(autouse=True)
def refs(settings: Any, tmp_path: Path) -> Path:
    settings.REFERENCES_DIR = tmp_path / "references"
    settings.REFERENCES_DIR.mkdir()
    settings.WORK_DIR = tmp_path
    return settings.REFERENCES_DIR  # type: ignore[no-any-return]


@pytest.fixture
def here(made: Path, refs: Path) -> Path:
    """The pack, on this machine."""
    return Path(shutil.copytree(made, refs / ASSEMBLY))


@pytest.fixture
def bucket(aws: object, settings: Any) -> str:
    clients.s3().create_bucket(Bucket=BUCKET)
    settings.REFERENCES_S3 = f"{BUCKET}/of/lab"
    return BUCKET


@pytest.fixture
def published(bucket: str, here: Path) -> None:
    """The pack, in S3 and not on this machine."""
    packs.publish(ASSEMBLY)
    shutil.rmtree(here)


@pytest.fixture
def staff(db: None) -> User:
    user = make_person("staff@gas.example")
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return user


def offered() -> list[str]:
    return [info.id for info in references.choices()]


def keys() -> list[str]:
    return [item["Key"] for item in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


# --- Retiring


def test_a_retired_pack_is_neither_offered_nor_taken_and_can_come_back(
    here: Path, person: User, staff: User, browser_of: Callable[[User], Client]
) -> None:
    references.register_all()
    old = open_upload(person, name="a.vcf", size=10, reference=ASSEMBLY).job
    page = browser_of(person)
    assert f'value="{ASSEMBLY}"' in page.get("/jobs/new/").content.decode()
    assert references.retire([ASSEMBLY], actor=staff) == 1
    assert offered() == ["rCRS"]
    assert f'value="{ASSEMBLY}"' not in page.get("/jobs/new/").content.decode()
    with pytest.raises(UploadRefused, match=r"“TEST1\.0” is retired: it takes no new files"):
        open_upload(person, name="a.vcf", size=10, reference=ASSEMBLY)
    assert page.get(old.get_absolute_url()).status_code == 200
    assert references.reinstate([ASSEMBLY]) == 1
    assert offered() == ["rCRS", ASSEMBLY]


@pytest.mark.usefixtures("queued")
def test_a_job_of_a_retired_pack_can_be_tried_again(
    here: Path, pending: Callable[..., Job], staff: User, person: User
) -> None:
    job = pending(variant(here.parent))
    Job.objects.filter(pk=job.pk).update(reference=ASSEMBLY, status=JobStatus.FAILED, failure_code="our-fault")
    references.register_all()
    references.retire([ASSEMBLY, "rCRS"], actor=staff)
    job.refresh_from_db()
    actions.retry(job, actor=person)
    assert annotated(job).status == JobStatus.COMPLETED


def variant(refs: Path) -> bytes:
    base = load_reference(ASSEMBLY, refs).sequence.fetch("1", 58_000, 58_000)
    alt = "C" if base == "A" else "A"
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    return f"{header}chr1\t58000\t.\t{base}\t{alt}\t.\t.\t.\n".encode()


def annotated(job: Job) -> Job:
    from annotator.tasks import annotate_job

    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    return job


def test_an_unknown_pack_is_refused_in_other_words(person: User) -> None:
    with pytest.raises(UploadRefused, match="There is no reference “hg99” here"):
        open_upload(person, name="a.vcf", size=10, reference="hg99")


def test_staff_see_every_pack_and_what_they_do_is_written_down(
    here: Path, staff: User, browser_of: Callable[[User], Client]
) -> None:
    client = browser_of(staff)
    page = client.get(PAGE).content.decode()
    assert "rCRS" in page
    assert ASSEMBLY in page
    answer = client.post(PAGE, {"action": "retire", "_selected_action": [ASSEMBLY]}, follow=True).content.decode()
    assert "1 of 1 packs are retired now" in answer
    assert f"by {staff}" in answer
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (
        staff,
        ASSEMBLY,
        "Retire the selected packs: no new files",
    )
    pack = ReferencePack.objects.get(pk=ASSEMBLY)
    assert pack.retired_by == staff
    client.post(PAGE, {"action": "reinstate", "_selected_action": [ASSEMBLY]})
    assert LogEntry.objects.count() == 2
    assert offered() == ["rCRS", ASSEMBLY]
    detail = client.get(reverse("admin:jobs_referencepack_change", args=[quote(ASSEMBLY)]))
    assert detail.status_code == 200
    assert b'name="_save"' not in detail.content
    assert client.post(f"{PAGE}add/", {"id": "x"}).status_code == 403


def test_who_may_only_look_cannot_retire(here: Path, browser_of: Callable[[User], Client]) -> None:
    looker = make_person("looker@gas.example")
    User.objects.filter(pk=looker.pk).update(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_referencepack"))
    client = browser_of(looker)
    assert ASSEMBLY in client.get(PAGE).content.decode()
    client.post(PAGE, {"action": "retire", "_selected_action": [ASSEMBLY]})
    assert not ReferencePack.objects.exclude(retired_at=None).exists()


# --- Publishing and fetching


def test_a_pack_is_published_with_its_manifest_last(bucket: str, here: Path) -> None:
    told: list[str] = []
    assert packs.publish(ASSEMBLY, told.append)
    assert told[-1] == "manifest.json"
    assert keys() == sorted(f"of/lab/{ASSEMBLY}/{path.name}" for path in here.iterdir())
    assert not packs.publish(ASSEMBLY)  # again: it is there
    assert ReferencePack.objects.get().published_at is not None


def test_when_publishing_stops_half_way_no_worker_finds_a_pack(
    bucket: str, here: Path, refs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, count = mirror.put, 0

    def failing(path: Path, url: str) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise clients.BotoCoreError
        put(path, url)

    monkeypatch.setattr(mirror, "put", failing)
    with pytest.raises(clients.BotoCoreError):
        packs.publish(ASSEMBLY)
    shutil.rmtree(here)
    with pytest.raises(EngineError, match="no such object") as error:
        packs.load(ASSEMBLY)
    assert error.value.code == "no-reference"
    assert list(refs.glob("[!.]*")) == []


def test_another_pack_of_the_same_id_is_not_published_over_it(published: None, made: Path, refs: Path) -> None:
    serve_as_ensembl(refs.parent / "pub2", make_genome(8))
    install(Wanted(SPECIES, base=(refs.parent / "pub2").as_uri()), refs)
    with pytest.raises(packs.NotPublished, match=r"another pack TEST1\.0"):
        packs.publish(ASSEMBLY)


def test_a_published_pack_is_offered_where_its_files_are_not(published: None, settings: Any) -> None:
    assert offered() == ["rCRS", ASSEMBLY]
    info = references.choices()[1]
    assert [contig.name for contig in info.contigs] == ["1", "2", "MT"]
    assert info.contigs[2].genetic_code == 2
    settings.REFERENCES_S3 = ""
    assert offered() == ["rCRS"]


@pytest.mark.usefixtures("queued")
def test_a_job_brings_its_pack_to_the_machine_and_the_next_one_finds_it(
    published: None, pending: Callable[..., Job], made: Path, refs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job() -> Job:
        one = pending(variant(made.parent))
        Job.objects.filter(pk=one.pk).update(reference=ASSEMBLY)
        return annotated(one)

    assert job().status == JobStatus.COMPLETED
    assert {path.name: path.read_bytes() for path in (refs / ASSEMBLY).iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }
    monkeypatch.setattr(packs, "OPENERS", {})  # nothing more is fetched
    assert job().status == JobStatus.COMPLETED


@pytest.mark.django_db(transaction=True)  # the threads have connections of their own
def test_several_workers_of_a_machine_fetch_it_once(published: None, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_s3 = mirror.open_s3

    def counted(url: str, start: int, version: str) -> Any:
        opened.append(url.rpartition("/")[2])
        return open_s3(url, start, version)

    monkeypatch.setitem(packs.OPENERS, "s3", counted)
    found: list[str] = []

    def work() -> None:
        found.append(packs.load(ASSEMBLY).id)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ASSEMBLY] * 4
    assert len(opened) == len(set(opened)) == 8


@pytest.mark.parametrize("name", ["genome.fa.gz", "manifest.json"])
def test_what_was_changed_in_the_bucket_is_not_used(published: None, refs: Path, name: str) -> None:
    key = f"of/lab/{ASSEMBLY}/{name}"
    content = bytearray(clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=bytes(content))
    with pytest.raises(EngineError, match=f"{name} came damaged") as error:
        packs.load(ASSEMBLY)
    assert error.value.code == "reference-wrong-checksum"
    assert list(refs.glob("[!.]*")) == []
    assert not list(refs.glob(".installing-*"))


def test_a_full_disk_leaves_no_half_pack_and_the_next_try_works(published: None, refs: Path) -> None:
    with no_room_beyond(20_000), pytest.raises(EngineError, match="not enough space"):
        packs.load(ASSEMBLY)
    assert sorted(path.name for path in refs.iterdir()) == [".downloads", ".locks"]
    assert packs.load(ASSEMBLY).id == ASSEMBLY
    assert not list((refs / ".downloads").iterdir())


def test_a_job_that_ends_meanwhile_ends_the_fetching(published: None, refs: Path) -> None:
    def gone() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        packs.load(ASSEMBLY, gone)
    assert sorted(path.name for path in refs.iterdir()) == [".downloads", ".locks"]


class TimeIsUp:
    """Cut the download of the genome as a worker's time limit does, N bytes later at each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: list[int]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._after = after
        self._open = mirror.open_s3
        monkeypatch.setitem(packs.OPENERS, "s3", self.open)

    @contextmanager
    def open(self, url: str, start: int, version: str) -> Iterator[Answer]:
        name = url.rpartition("/")[2]
        self.asked.append((name, start))
        with self._open(url, start, version) as answer:
            cut = name == "genome.fa.gz" and self._after
            yield dataclasses.replace(answer, body=self._cut(answer.body, self._after.pop(0))) if cut else answer

    def _cut(self, body: Iterable[bytes], after: int) -> Iterator[bytes]:
        yield b"".join(body)[:after]
        raise SoftTimeLimitExceeded


@pytest.mark.usefixtures("queued")
def test_a_pack_that_is_not_here_within_the_time_is_gone_on_with_by_the_next_try(
    published: None, pending: Callable[..., Job], made: Path, refs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = TimeIsUp(monkeypatch, after=[9_000, 5_000])
    job = pending(variant(made.parent))
    Job.objects.filter(pk=job.pk).update(reference=ASSEMBLY)
    for _ in range(2):
        assert annotated(job).status == JobStatus.PENDING
        assert not job.failure_code
        assert list(refs.glob("[!.]*")) == []
        Job.objects.update(sent_at=timezone.now())
    assert annotated(job).status == JobStatus.COMPLETED
    assert [start for name, start in time.asked if name == "genome.fa.gz"] == [0, 9_000, 14_000]
    assert {path.name: path.read_bytes() for path in (refs / ASSEMBLY).iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }
    assert not (refs / ".downloads" / ASSEMBLY).exists()


@pytest.mark.usefixtures("queued")
def test_only_a_try_that_found_the_pack_here_can_say_that_a_file_takes_too_long(
    published: None, pending: Callable[..., Job], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetching had its share of the first one's time."""

    def time_is_up(*_: Any, **__: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr("annotator.tasks.annotate", time_is_up)
    job = pending(variant(made.parent))
    Job.objects.filter(pk=job.pk).update(reference=ASSEMBLY)
    assert annotated(job).status == JobStatus.PENDING
    Job.objects.update(sent_at=timezone.now())
    assert (annotated(job).status, job.failure_code, job.attempts) == (JobStatus.FAILED, "too-long", 1)


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("state", ["published", "registered"])
def test_another_pack_of_this_machine_under_the_id_is_not_used(
    bucket: str, here: Path, made: Path, refs: Path, pending: Callable[..., Job], state: str
) -> None:
    if state == "published":
        packs.publish(ASSEMBLY)
    else:
        references.register_all()
    row = ReferencePack.objects.get(pk=ASSEMBLY)
    assert packs.load(ASSEMBLY).checksum == row.checksum
    shutil.rmtree(here)
    serve_as_ensembl(refs.parent / "pub2", make_genome(8), release="116")
    other = install(Wanted(SPECIES, base=(refs.parent / "pub2").as_uri()), refs).folder
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    local = hashlib.sha256(before["manifest.json"]).hexdigest()
    with pytest.raises(EngineError) as error:
        packs.load(ASSEMBLY)
    assert error.value.code == "reference-differs"
    for word in (f"Ensembl {RELEASE}", "Ensembl 116", row.checksum, local, f"is not the {state} one"):
        assert word in error.value.message
    job = pending(variant(made.parent))
    Job.objects.filter(pk=job.pk).update(reference=ASSEMBLY)
    assert annotated(job).status == JobStatus.PENDING  # for a machine that has the right one
    references.register_all()
    row.refresh_from_db()
    assert row.checksum != local
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before


@pytest.mark.parametrize("is_published", [False, True])
def test_an_upgrade_of_a_built_in_pack_is_used_at_once_and_written_down(is_published: bool) -> None:
    references.register_all()
    now = timezone.now() if is_published else None
    ReferencePack.objects.filter(pk="rCRS").update(checksum="0" * 64, version="earlier", published_at=now)
    used = packs.load("rCRS")
    references.register_all()
    row = ReferencePack.objects.get(pk="rCRS")
    assert (row.checksum, row.version) == (used.checksum, used.version)


def test_a_pack_that_nobody_has_is_said(bucket: str) -> None:
    for name in ("hg99", "../x", ""):
        with pytest.raises(EngineError) as error:
            packs.load(name)
        assert error.value.code == "no-reference"


# --- The command


@pytest.fixture
def ensembl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)
    serve_as_ensembl(tmp_path / "pub", make_genome())
    with serving(tmp_path / "pub") as server:
        yield server


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("install_reference", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_installs_ones_own_genome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    genome = make_genome()
    (tmp_path / "genome.fa").write_text(fasta(genome))
    (tmp_path / "genes.gtf").write_text(gene_styles.text(genome, gene_styles.gencode_gtf))

    said = command("mine", "--fasta", str(tmp_path / "genome.fa"), "--genes", str(tmp_path / "genes.gtf"))

    assert "Installed mine: mine (own files), 3 sequences." in said
    assert offered() == ["rCRS", "mine"]
    with pytest.raises(CommandError, match="both --fasta and --genes"):
        command("other", "--fasta", str(tmp_path / "genome.fa"))


def test_the_command_installs_registers_and_publishes(
    ensembl: Server, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = command(SPECIES, "--from", ensembl.url, "--publish")
    assert f"Installed {ASSEMBLY}: Testus exampli {ASSEMBLY} (Ensembl {RELEASE}), 3 sequences." in said
    assert f"Published at s3://{BUCKET}/of/lab/{ASSEMBLY}" in said
    assert offered() == ["rCRS", ASSEMBLY]
    row = ReferencePack.objects.get()
    assert (row.version, row.published_at is not None) == (f"Ensembl {RELEASE}", True)
    bars = capsys.readouterr().err
    assert f"{STEM}.dna.toplevel.fa.gz" in bars
    assert "Packing the genome" in bars
    again = command(SPECIES, "--from", ensembl.url, "--publish")
    assert "Already installed" in again
    assert "Already published" in again


def test_the_command_reads_from_s3_too(ensembl: Server, bucket: str) -> None:
    for path in ensembl.folder.glob(f"release-{RELEASE}/**/*"):
        if path.is_file():
            clients.s3().upload_file(str(path), BUCKET, f"ensembl/{path.relative_to(ensembl.folder)}")
    command(SPECIES, "--from", f"s3://{BUCKET}/ensembl", "--release", RELEASE)
    assert offered() == ["rCRS", ASSEMBLY]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hg38"], "is neither GRCh38"),
        ([SPECIES, "--release", "latest"], "is a number"),
        ([SPECIES, "--genetic-code", "MT"], "is CONTIG=N"),
        ([SPECIES, "--id", "a b"], "cannot be a pack's id"),
        ([SPECIES, "--id", "sources"], "choose another id"),
        ([SPECIES, "--id", "rCRS"], "is built in"),
        ([SPECIES, "--release", "1"], "There is no release 1 of testus_exampli"),
        ([SPECIES, "--publish"], "Set REFERENCES_S3"),
    ],
)
def test_what_is_wrong_is_one_sentence(ensembl: Server, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        command(*arguments, "--from", ensembl.url)
    assert offered() == ["rCRS"]
    assert not ReferencePack.objects.exists()


def test_a_failed_download_is_one_sentence_and_the_next_call_goes_on(ensembl: Server) -> None:
    ensembl.behaviour["toplevel.fa.gz"] = Behaviour(cut_after=[9_000, 0])
    with pytest.raises(CommandError, match="could not be fetched in full"):
        command(SPECIES, "--from", ensembl.url)
    ensembl.behaviour.clear()
    command(SPECIES, "--from", ensembl.url)
    assert ensembl.asked("toplevel.fa.gz")[-1] == ("bytes=9000-", 206)
    assert offered() == ["rCRS", ASSEMBLY]


def test_a_machine_does_not_get_another_pack_than_the_published_one_under_its_id(
    published: None, refs: Path, tmp_path: Path
) -> None:
    serve_as_ensembl(tmp_path / "pub2", make_genome(8))
    with pytest.raises(CommandError, match=r"Another pack TEST1\.0 is published already"):
        command(SPECIES, "--from", (tmp_path / "pub2").as_uri())
    assert list(refs.glob("[!.]*")) == []
    assert packs.load(ASSEMBLY).checksum == ReferencePack.objects.get().checksum


def test_without_a_folder_the_command_says_what_to_set(settings: Any) -> None:
    settings.REFERENCES_DIR = None
    with pytest.raises(CommandError, match="Set REFERENCES_DIR"):
        command(SPECIES)
