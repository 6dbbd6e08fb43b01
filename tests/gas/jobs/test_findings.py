"""What a job's page says of findings: by source, with what was not used, and never "0" for what was not looked for."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.jobs import FINDINGS, KNOWN, SUMMARY

pytestmark = pytest.mark.django_db

UNUSED = {"name": "clinvar", "title": "ClinVar"}
NOTHING: dict[str, Any] = {"alleles": None, "used": [], "not_used": [UNUSED], "listed": [], "omitted": 0}


@pytest.fixture
def shown(
    claimed: Callable[..., leases.Claim], browser_of: Callable[[User], Client], person: User
) -> Callable[..., tuple[str, str, BeautifulSoup]]:
    """Completes a job with this in its summary; gives the words of its findings and of its row, and its page."""

    def show(**words: Any) -> tuple[str, str, BeautifulSoup]:
        claim, client = claimed(), browser_of(person)
        result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
        leases.complete(claim, result, log_key="", summary={**SUMMARY, **words}, preview=[])
        job = Job.objects.get(pk=claim.job.pk)
        page = BeautifulSoup(client.get(job.get_absolute_url()).content, "html.parser")
        section = page.find("section", attrs={"aria-labelledby": "findings-title"})
        row = BeautifulSoup(client.get("/jobs/").content, "html.parser").select_one(".job-progress")
        assert row
        return section.get_text(" ", strip=True) if section else "", row.get_text(" ", strip=True), page

    return show


def test_findings_are_told_by_source(shown: Callable[..., tuple[str, str, BeautifulSoup]]) -> None:
    text, row, page = shown(known=[KNOWN], findings=FINDINGS)
    assert text.startswith("2 findings")
    own, clinvar = text.index("Known variants of rCRS 1"), text.index("ClinVar 2026-11-15")
    assert own < text.index("m.11778G>A") < clinvar < text.index("m.3243A>G")
    for words in ("1 pathogenic", "Not counted: 3 benign", "MELAS syndrome", "reviewed by expert panel"):
        assert words in text
    link = page.find("a", href="https://www.ncbi.nlm.nih.gov/clinvar/variation/9589/")
    assert link
    assert link["rel"] == ["noopener", "noreferrer"]
    assert "2 findings" in row


def test_a_source_that_was_not_used_is_named_and_is_never_zero(
    shown: Callable[..., tuple[str, str, BeautifulSoup]],
) -> None:
    text, row, page = shown(findings=NOTHING)
    assert text.startswith("Findings were not looked for")
    assert "Not used for this result: ClinVar." in text
    assert "finding" not in row
    figure = page.find("dt", string="findings")
    assert figure
    assert figure.find_next_sibling("dd").get_text() == "–"  # type: ignore[union-attr]


def test_no_findings_in_a_source_that_was_used(shown: Callable[..., tuple[str, str, BeautifulSoup]]) -> None:
    used = {**FINDINGS["used"][1], "alleles": 0, "significance": {"pathogenic": 0, "uncertain": 4}}  # type: ignore[index]
    text, row, _ = shown(findings={**NOTHING, "alleles": 0, "used": [used], "not_used": []})
    assert text.startswith("No findings ClinVar 2026-11-15")
    assert "4 of uncertain significance" in text
    assert "Not used" not in text
    assert "finding" not in row


def test_what_is_not_listed_is_counted(shown: Callable[..., tuple[str, str, BeautifulSoup]]) -> None:
    text, _, _ = shown(findings={**FINDINGS, "omitted": 1234})
    assert "… and 1,234 more" in text


def test_older_results_show_the_known_variants_that_they_have(
    shown: Callable[..., tuple[str, str, BeautifulSoup]],
) -> None:
    text, row, _ = shown(known=[KNOWN])
    assert "m.11778G>A" in text
    assert "1 finding" in row
    assert shown(known=[])[0] == ""
