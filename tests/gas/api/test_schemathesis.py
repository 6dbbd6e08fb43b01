"""Promise: whatever the OpenAPI document allows or forbids, no answer is a server error or one that it leaves out.

`make thorough` sends more requests to each operation.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gas.api import tokens
from gas.api.v1 import api
from gas.explorer.models import VariantExport
from gas.jobs.models import Job, RestoreBatch
from gas.users.models import User
from gas.wsgi import application
from tests.support.api_program import make_token
from tests.support.effort import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws", "queued")]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations() -> Iterator[tuple[str, str]]:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method in methods:
            yield method.upper(), path


@pytest.fixture(autouse=True)
def _connection() -> Iterator[None]:
    """Keep the connection of the test, as Django's own test client does: it has a transaction that never commits."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


#: Parts of addresses whose answers need a table of variants, which takes a second to make.
OF_A_TABLE = ("/variants", "/filters", "/exports")


@pytest.fixture
def theirs(request: pytest.FixtureRequest, path: str) -> dict[str, Any]:
    """A value of the caller's own for each parameter of an address."""
    needs_table = any(part in path for part in OF_A_TABLE)
    job: Job = request.getfixturevalue("job_with_table" if needs_table else "pending")
    job = job if needs_table else job()  # type: ignore[operator]
    now = timezone.now()
    token, _ = tokens.make(job.owner, name="x", scopes=["jobs:read"], lifetime=timedelta(days=1))
    export = VariantExport.objects.create(owner=job.owner, job=job, format="tsv", rows=1, asked_at=now, due_at=now)
    return {
        "job_id": str(job.pk),
        "token_id": str(token.pk),
        "export_id": str(export.pk),
        "restore_id": RestoreBatch.objects.create(owner=job.owner).pk,
    }


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # werkzeug's client leaves files open
@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_every_answer_is_described(method: str, path: str, theirs: dict[str, Any], person: User, settings: Any) -> None:
    """With the caller's own jobs and tokens, by values that the document allows and by others."""
    settings.API_REQUESTS_PER_MINUTE = settings.UPLOADS_PER_HOUR = 10**6
    headers = {"Authorization": f"Bearer {make_token(person)}"}
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)[path][method]
    known = {name: value for name, value in theirs.items() if f"{{{name}}}" in path}
    others = known if operation.body or operation.query else {}  # without others, values of the address are wrong
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=known or None),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=others or None),
    )

    @effort(max_examples=examples(8), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def run(case: Any) -> None:
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    run()
