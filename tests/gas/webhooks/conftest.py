"""Receivers on this machine, and endpoints that lead to them."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from gas.jobs.models import Job
from gas.jobs.moves import move_job
from gas.jobs.states import JobStatus
from gas.users.models import User
from gas.webhooks import endpoints
from gas.webhooks.events import Event
from gas.webhooks.models import Endpoint
from tests.support.receiver import Receiver, listening


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on 127.0.0.1, which the operator allows."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    with listening() as made:
        yield made


@pytest.fixture
def another() -> Iterator[Receiver]:
    """One more, to which others may lead."""
    with listening() as made:
        yield made


@pytest.fixture
def endpoint(receiver: Receiver, person: User) -> Endpoint:
    """The person's, for every event."""
    return endpoints.create(person, receiver.url, Event.values)[0]


@pytest.fixture
def running(person: User) -> Callable[..., Job]:
    """Makes a running job."""
    return lambda owner=person: Job.objects.create(
        owner=owner, name="sample.vcf", reference="rCRS", status=JobStatus.RUNNING, input_etag="x"
    )


@pytest.fixture
def ends(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """Ends a job in a transaction, and runs what was sent after its commit."""

    def end(job: Job, to: JobStatus = JobStatus.COMPLETED) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            move_job(job, to, "Ended.")

    return end
