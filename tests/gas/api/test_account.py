"""Promise: a program reads its account, what is on offer, and where results are; premium restores by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from gas.api.models import AccessToken
from gas.jobs.models import Job, ReferencePack, RestoreBatch, ResultFile, VariantSource
from gas.users.models import User
from tests.support.api_program import Program, check

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]


def archived(owner: User, size: int = 1000, **fields: Any) -> ResultFile:
    job = Job.objects.create(owner=owner, name="a.vcf", reference="rCRS", status="COMPLETED")
    return ResultFile.objects.create(
        job=job, state="ARCHIVED", key=f"k{job.pk}", index_key="i", size=size, sha256="0" * 64, **fields
    )


def test_the_account_with_its_plan_usage_and_token(person: User, program: Program) -> None:
    archived(person)
    got = program.get("account").json()
    assert (got["email"], got["plan"]["id"], got["plan"]["concurrent_jobs"]) == ("ada@lab.example", "free", 1)
    assert got["usage"] == {
        "jobs": 1,
        "active_jobs": 0,
        "stored_results": 0,
        "stored_bytes": 0,
        "archived_results": 1,
        "archived_bytes": 1000,
    }
    assert got["token"]["id"] == str(AccessToken.objects.get().pk)
    assert got["scopes"] == got["token"]["scopes"]


def test_tokens_are_listed_without_their_secret_and_revoked(program: Program, program_of: Any, person: User) -> None:
    other = program_of(person, "jobs:read")
    listed = program.get("tokens").json()["items"]
    assert listed[0]["scopes"] == ["jobs:read"]
    assert "digest" not in listed[0]
    for _ in range(2):
        assert program.send("DELETE", f"tokens/{listed[0]['id']}").status_code == 204
    check(other.get("jobs"), 401, "revoked-token")
    assert program.get("tokens").json()["items"][0]["state"] == "revoked"
    assert program.get("tokens").status_code == 200


def test_no_token_makes_a_token(program: Program) -> None:
    check(program.post("tokens", {"name": "x", "scopes": ["jobs:read"]}), 405, "method-not-allowed")


def test_references_and_sources_on_offer(program: Program, settings: Any) -> None:
    [one] = [one for one in program.get("references").json()["items"] if one["default"]]
    assert one["id"] == "rCRS"
    pack = ReferencePack.objects.create(id="P", title="P", version="1", checksum="0")
    VariantSource.objects.create(reference=pack, name="clinvar", title="ClinVar", version="1", checksum="0", tags=["X"])
    VariantSource.objects.create(
        reference=pack, name="old", title="Old", version="1", checksum="0", retired_at="2026-01-01T00:00Z"
    )
    assert [one["name"] for one in program.get("sources").json()["items"]] == ["clinvar"]
    settings.REFERENCES_S3 = "bucket/prefix"
    assert program.get("sources").json()["items"] == []


def test_a_free_person_sees_the_estimate_and_restores_nothing(person: User, program: Program) -> None:
    result = archived(person)
    got = program.get("storage").json()
    assert got["results"] == [{"state": "ARCHIVED", "count": 1, "size": 1000}]
    assert got["archived"]["count"] == 1
    assert got["can_restore"] is False
    refused = check(program.post("restores", {}), 409, "refused")
    assert refused["detail"] == "Archived results come back when you upgrade to Premium."
    assert program.get(f"jobs/{result.job_id}/storage").json()["restore"]["count"] == 1
    result.refresh_from_db()
    assert result.state == "ARCHIVED"


def test_a_premium_person_restores_what_is_asked_for_once(
    person: User, stranger: User, program: Program, sends: Callable[..., Any]
) -> None:
    User.objects.update(plan="premium")
    mine, other, damaged, theirs = archived(person), archived(person), archived(person, problem="x"), archived(stranger)
    asked = {"jobs": [str(one.job_id) for one in (mine, damaged, theirs)]}
    with sends() as sent:
        answers = [program.post("restores", asked, **{"Idempotency-Key": "r"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert [name for name, *_ in sent] == ["restore.start_batch"]
    states = dict(ResultFile.objects.values_list("pk", "state"))
    assert [states[one.pk] for one in (mine, other, damaged, theirs)] == ["RESTORING", *["ARCHIVED"] * 3]
    batch = RestoreBatch.objects.get()
    assert program.get(f"restores/{batch.pk}").json() == answers[0].json()
    assert [one["id"] for one in program.get("restores").json()["items"]] == [batch.pk]
    check(program.post("restores", asked), 409, "refused")
    check(program.post("restores", {"jobs": []}), 422, "invalid")
