"""What every test may ask for: an AWS in memory, people, and jobs in any state."""

import functools
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import Client

from annotator.formats import forks
from gas.aws import clients
from gas.celery import app
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.heartbeat import Heartbeat
from gas.jobs.lifecycle.uploads import confirm_upload, open_upload
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support import migrated, tables, units
from tests.support.glacier_standin import StandIn, faithful_aws
from tests.support.jobs import SMALL_VCF
from tests.support.people import make_person
from tests.support.results import make_result, put_away

# AWS's service descriptions are parsed once, and not for each client that a test begins with.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

tables.use()

if "COVERAGE_PROCESS_CONFIG" in os.environ:  # `make coverage`: children of jobs get few variables, and this one by it
    forks.PASSED_ON = (*forks.PASSED_ON, "COVERAGE_PROCESS_CONFIG")

# pytest-playwright runs an event loop in the main thread, where Django would refuse to touch the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


#: A test with one of these fixtures, or the mark `django_db`, may use the database.
DATABASE = {"db", "transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}


def may_use_the_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db")) or not DATABASE.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # marks before they are selected by; order after pytest-django's
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if not may_use_the_database(item):
            item.add_marker(pytest.mark.once)
    yield
    items.sort(key=units.seconds_of, reverse=True)
    units.tell(config, items)


def pytest_collection_finish() -> None:
    """Leave what is collected out of garbage collections: to look at it again takes a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    units.prepare(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return units.Scheduler(config, log)


@pytest.fixture(scope="session")
def copied_database(request: pytest.FixtureRequest, django_db_modify_db_settings: None) -> Path | None:
    """The file of the test database if it begins as a copy of a migrated one; None where pytest-django makes it."""
    options, database = request.config.option, settings.DATABASES[DEFAULT_DB_ALIAS]
    if options.reuse_db or options.nomigrations or not database["ENGINE"].endswith("sqlite3"):
        return None
    path = Path(database["TEST"]["NAME"])
    migrated.copy_to(path)
    return path


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, copied_database: Path | None) -> bool:
    return django_db_keepdb or copied_database is not None


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, copied_database: Path | None) -> Iterator[None]:
    with django_db_blocker.unblock():
        tables.remember()
    yield
    if copied_database is not None:
        with django_db_blocker.unblock():
            connections.close_all()
        copied_database.unlink()


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()  # allauth's rate limits live there


@pytest.fixture(scope="session", autouse=True)
def _tasks() -> None:
    """Every task is known, as in a worker. Asked for once: Celery looks through all modules each time."""
    app.loader.import_default_modules()


@pytest.fixture(autouse=True)
def eager(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tasks run where they are sent, unless a test asks for `queued`."""
    app.conf.task_always_eager = "queued" not in request.fixturenames
    app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture(autouse=True)
def _heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop heartbeats in tests that never commit: their own connection would not find the row, and end the job."""
    beat, ours = Heartbeat._beat, connections[DEFAULT_DB_ALIAS]

    def beat_if_committed(heartbeat: Heartbeat) -> None:
        # Django marks the transaction of a test that never commits; it is the outermost.
        if not any(block._from_testcase for block in ours.atomic_blocks[:1]):
            beat(heartbeat)

    monkeypatch.setattr(Heartbeat, "_beat", beat_if_committed)


@pytest.fixture
def queued() -> None:
    """Tasks go to the queue, and stay there."""


@pytest.fixture
def sends(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Callable[[], AbstractContextManager[list[tuple[str, tuple[str, ...], float]]]]:
    """Notes what a block sends after its commit: (task, arguments, seconds until it is due)."""

    @contextmanager
    def noting() -> Iterator[list[tuple[str, tuple[str, ...], float]]]:
        sent: list[tuple[str, tuple[str, ...], float]] = []

        def send_task(_: Any, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> None:
            sent.append((name, tuple(args), options.get("countdown") or 0))

        monkeypatch.setattr(type(app), "send_task", send_task)
        with django_capture_on_commit_callbacks(execute=True):
            yield sent

    return noting


@pytest.fixture
def aws() -> Iterator[StandIn]:
    """S3, SQS and a faithful Glacier in memory, with the service's buckets, queues and vault."""
    with faithful_aws() as stand_in:
        yield stand_in


@pytest.fixture
def person(db: None) -> User:
    return make_person("ada@lab.example")


@pytest.fixture
def stranger(db: None) -> User:
    return make_person("eve@lab.example")


@pytest.fixture
def staff(db: None) -> User:
    """Who may do everything in the admin site."""
    user = make_person("staff@gas.example")
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A client in which the person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def uploaded(aws: None, person: User) -> Callable[..., Job]:
    """Makes jobs whose file has arrived in S3 and is not confirmed."""

    def make(content: bytes = SMALL_VCF, *, owner: User = person, name: str = "sample.vcf") -> Job:
        job = open_upload(owner, name=name, size=len(content), reference="rCRS").job
        clients.s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=content)
        return job

    return make


@pytest.fixture
def pending(uploaded: Callable[..., Job]) -> Callable[..., Job]:
    """Makes jobs that wait for a worker, and whose message nobody sends."""

    def make(*args: Any, **kwargs: Any) -> Job:
        return confirm_upload(uploaded(*args, **kwargs))

    return make


@pytest.fixture
def claimed(pending: Callable[..., Job]) -> Callable[..., leases.Claim]:
    """Makes jobs that a worker has."""

    def make(*args: Any, **kwargs: Any) -> leases.Claim:
        claim = leases.claim_next(str(pending(*args, **kwargs).pk))
        assert claim is not None
        return claim

    return make


@pytest.fixture
def archived(claimed: Callable[..., leases.Claim], tmp_path: Any) -> Callable[..., list[ResultFile]]:
    """Makes results that are in Glacier."""

    def make(count: int = 1) -> list[ResultFile]:
        return [put_away(make_result(claimed(), tmp_path)) for _ in range(count)]

    return make
