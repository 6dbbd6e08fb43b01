"""Promise: no endpoint answers without the right token, and none shows or changes what is another person's.

The cases come from the router, so that a new endpoint is covered by itself. One whose address has a parameter that is
not in `values` fails until the parameter has a value there.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gas.api import tokens
from gas.api.auth import TokenAuth
from gas.api.models import AccessToken
from gas.api.scopes import ALL
from gas.api.v1 import api
from gas.explorer.models import VariantExport
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, RestoreBatch, ResultFile
from gas.users.models import User
from gas.webhooks.models import Delivery
from gas.webhooks.models import Endpoint as Webhook
from tests.support.api_program import Program, make_token

pytestmark = pytest.mark.django_db

#: Bodies that pass the validation of an endpoint, by its operation.
BODIES: dict[str, Any] = {
    "open_upload": {"name": "a.vcf", "size": 1, "reference": "rCRS"},
    "address_parts": {"parts": [{"number": 1, "sha256": "0" * 64}]},
    "restore": {"jobs": None},
    "make_export": {"format": "tsv"},
    "add_webhook": {"url": "https://127.0.0.1/", "events": ["job.completed"]},
    "change_webhook": {"events": ["job.failed"], "enabled": False},
}


@dataclass(frozen=True)
class Endpoint:
    """One operation of the API."""

    name: str
    method: str
    path: str
    scope: str

    def __str__(self) -> str:
        return self.name

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(?:\w+:)?(\w+)\}", self.path)

    def address(self, values: dict[str, Any]) -> str:
        return "/api/v1" + re.sub(r"\{(?:\w+:)?(\w+)\}", lambda found: str(values[found[1]]), self.path)


def endpoints() -> Iterator[Endpoint]:
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                auth = [one for one in operation.auth_callbacks if isinstance(one, TokenAuth)]
                for method in operation.methods:
                    yield Endpoint(operation.view_func.__name__, method, path, auth[0].scope if auth else "")


ENDPOINTS = list(endpoints())
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)


@pytest.fixture
def job(claimed: Callable[..., leases.Claim], person: User) -> Job:
    job = claimed().job
    Job.objects.filter(pk=job.pk).update(log_key=f"results/{person.pk}/{job.pk}/log.txt", status="COMPLETED")
    ResultFile.objects.create(
        job=job, key="results/r/annot.vcf.gz", index_key="results/r/annot.vcf.gz.tbi", size=1, sha256="0" * 64
    )
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def values(job: Job, person: User) -> dict[str, Any]:
    """The person's own, for each parameter of an address."""
    token, _ = tokens.make(person, name="theirs", scopes=["jobs:read"], lifetime=timedelta(days=1))
    batch = RestoreBatch.objects.create(owner=person)
    now = timezone.now()
    export = VariantExport.objects.create(owner=person, job=job, format="tsv", rows=1, asked_at=now, due_at=now)
    webhook = Webhook.objects.create(owner=person, url="https://lab.example/", events=["job.completed"], secret="x")
    delivery = Delivery.objects.create(endpoint=webhook, event="webhook.test", body="{}", due_at=None)
    return {
        "job_id": job.pk,
        "token_id": token.pk,
        "kind": "input",
        "restore_id": batch.pk,
        "export_id": export.pk,
        "format": "tsv",
        "variant": "chrM-1-A-C",
        "webhook_id": webhook.pk,
        "delivery_id": delivery.pk,
    }


def everything_of(person: User) -> list[Any]:
    """What must not change."""
    return [
        list(Job.objects.filter(owner=person).values("pk", "status", "name")),
        list(ResultFile.objects.filter(job__owner=person).values("pk", "state")),
        list(VariantExport.objects.filter(owner=person).values("pk", "state")),
        list(Webhook.objects.filter(owner=person).values()),
        list(Delivery.objects.filter(endpoint__owner=person).values()),
        list(AccessToken.objects.filter(owner=person).values("pk", "revoked_at")),
    ]


def test_there_are_endpoints_and_each_needs_a_scope() -> None:
    assert {"list_jobs", "get_job"} <= {one.name for one in ENDPOINTS}
    assert [one.name for one in ENDPOINTS if one.scope not in ALL] == []
    assert len({one.name for one in ENDPOINTS}) == len(ENDPOINTS)  # names are ids in the document


@every_endpoint
def test_nobody_is_refused(endpoint: Endpoint, values: dict[str, Any]) -> None:
    answer = Program().send(endpoint.method, endpoint.address(values), BODIES.get(endpoint.name))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@every_endpoint
def test_another_scope_is_refused(endpoint: Endpoint, values: dict[str, Any], person: User) -> None:
    before = everything_of(person)
    program = Program(make_token(person, *(ALL - {endpoint.scope})))
    answer = program.send(endpoint.method, endpoint.address(values), BODIES.get(endpoint.name))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
    assert f'scope="{endpoint.scope}"' in answer["WWW-Authenticate"]
    assert everything_of(person)[:5] == before[:5]


@pytest.mark.parametrize("state", ["expired", "revoked"])
@every_endpoint
def test_a_token_that_is_over_is_refused(endpoint: Endpoint, values: dict[str, Any], state: str, person: User) -> None:
    token = make_token(person)
    change = {"expires_at": timezone.now()} if state == "expired" else {"revoked_at": timezone.now()}
    AccessToken.objects.filter(digest=tokens.digest_of(token)).update(**change)
    answer = Program(token).send(endpoint.method, endpoint.address(values), BODIES.get(endpoint.name))
    assert (answer.status_code, answer.json()["code"]) == (401, f"{state}-token")


@every_endpoint
def test_another_person_sees_and_changes_nothing(
    endpoint: Endpoint, values: dict[str, Any], person: User, stranger: User
) -> None:
    before = everything_of(person)
    program = Program(make_token(stranger))
    answer = program.send(endpoint.method, endpoint.address(values), BODIES.get(endpoint.name))
    if endpoint.parameters:
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.status_code < 500
    assert str(values["job_id"]) not in answer.content.decode(errors="replace")
    assert everything_of(person) == before
