"""The demo and the chaos run, as people start them; the latter with fewer jobs."""

import io

import pytest
from rich.console import Console

from devstack.scenarios import demo as demo_module
from devstack.scenarios.chaos import SETTINGS, WORKERS, Plan, chaos
from devstack.scenarios.demo import ROUTES, demo, find_consequence
from devstack.scenarios.timeline import Broken, Timeline
from tests.support.effort import THOROUGH
from tests.support.stacks import migrated_stack

pytestmark = pytest.mark.workers


STEPS = (
    "Sign up",
    "Upload straight to S3",
    "Job COMPLETED",
    "Completion mail",
    "Result archived",
    "tier refused: Expedited, tier used: Standard",
    "Result restored",
    "Bytes identical",
    "Archive gone",
    "Your result is back",
    "Delete",
    "Everything worked",
)


@pytest.fixture
def _migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo starts on a copied database: that a stack migrates an empty one is tried in test_stack.py."""
    monkeypatch.setattr(demo_module, "Stack", migrated_stack)


@pytest.mark.service("demo", seconds=70)
@pytest.mark.usefixtures("_migrated")
@pytest.mark.parametrize("route", ROUTES)
def test_one_job_goes_through_everything_and_to_glacier_and_back(route):
    out = io.StringIO()
    assert demo(lambda _: None, Console(file=out, width=160), [route]) == 0, out.getvalue()
    for step in STEPS:
        assert step in out.getvalue()


@pytest.mark.service("demo", seconds=70)
@pytest.mark.usefixtures("_migrated")
def test_a_broken_service_fails_the_demo_with_a_reason(monkeypatch):
    monkeypatch.setattr(demo_module, "VARIANT", ("11778", "G", "T"))
    out = io.StringIO()
    assert demo(lambda _: None, Console(file=out, width=160), ROUTES[:1]) == 1
    assert "The demo failed. Broken promise: m.11778G>A came out as ''" in out.getvalue()


def test_an_error_in_a_step_is_told_in_one_sentence():
    with pytest.raises(Broken, match=r"^Upload: S3 said no$"), Timeline().step("Upload"):
        raise RuntimeError("S3 said no\nTraceback ...")


def test_the_consequence_is_read_from_the_right_record():
    rows = [
        "#CHROM\tPOS",
        "chrM\t11778\t.\tG\tC\t.\t.\tCSQ=other",
        "chrM\t11778\t.\tG\tA\t.\t.\tDP=3;CSQ=A|missense_variant|ND4",
    ]
    assert find_consequence("\n".join(rows)) == "A|missense_variant|ND4"
    assert find_consequence("") == ""


@pytest.mark.service("storm of jobs", seconds=60)
def test_jobs_survive_killed_workers_and_a_failing_aws(tmp_path):
    plan = Plan(jobs=24 if THOROUGH else 10, seconds=180, pause=(2.0, 3.0), people=2)
    quick = {**SETTINGS, "LEASE_SECONDS": "4", "SWEEP_SECONDS": "2", "RESEND_AFTER_SECONDS": "8"}
    with migrated_stack(tmp_path / "data", workers=WORKERS, env=quick) as stack:
        outcome = chaos(stack, plan, tmp_path)
    assert outcome.problems == [], outcome.report()
    assert outcome.statuses == {"COMPLETED": plan.jobs}
    assert sum(outcome.kills.values()) >= 2
    assert outcome.faults > 0
