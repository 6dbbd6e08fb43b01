"""Promise: nobody has more than MAX_ACTIVE_JOBS on their way, however many requests come at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from gas.jobs.lifecycle import actions
from gas.jobs.lifecycle.uploads import UploadRefused, open_upload
from gas.jobs.models import Job
from gas.jobs.states import ACTIVE, JobStatus
from gas.users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]
AT_ONCE = 8


def at_once(act: Callable[[int], Any], *refusals: type[Exception]) -> int:
    """Act in several threads at once. Returns how often it was refused."""

    def try_it(number: int) -> bool:
        try:
            act(number)
        except refusals:
            return True
        finally:
            connections.close_all()
        return False

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(try_it, range(AT_ONCE)))


def active(person: User) -> int:
    return Job.objects.filter(owner=person, status__in=ACTIVE).count()


def test_uploads_at_once(aws: Any, person: User, settings: Any) -> None:
    settings.MAX_ACTIVE_JOBS = 3
    refused = at_once(
        lambda number: open_upload(person, name=f"{number}.vcf", size=10, reference="rCRS"), UploadRefused
    )
    assert (active(person), refused) == (3, AT_ONCE - 3)


def test_retries_at_once(pending: Callable[..., Job], person: User, settings: Any) -> None:
    jobs = [pending(name=f"{number}.vcf") for number in range(AT_ONCE)]
    Job.objects.update(status=JobStatus.CANCELLED)
    settings.MAX_ACTIVE_JOBS = 3
    refused = at_once(
        lambda number: actions.retry(Job.objects.get(pk=jobs[number].pk), actor=person), actions.ActionRefused
    )
    assert (active(person), refused) == (3, AT_ONCE - 3)
