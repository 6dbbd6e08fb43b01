"""`check --deploy` refuses settings with which the service cannot work: each line of the table is one."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error, Warning  # noqa: A004  (Django's name)
from django.db import DatabaseError
from pytest_django import Settings

from gas import checks
from gas.jobs.models import ReferencePack
from gas.settings import env

pytestmark = pytest.mark.django_db

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"LEASE_SECONDS": 0.0}, "LEASE_SECONDS is 0.0: it must be greater than zero."),
    ({"SWEEP_SECONDS": 0.0}, "SWEEP_SECONDS is 0.0"),
    ({"RESEND_AFTER_SECONDS": -1.0}, "RESEND_AFTER_SECONDS is -1.0"),
    ({"MAX_ATTEMPTS": 0}, "MAX_ATTEMPTS is 0"),
    ({"MAX_RETRIEVALS": 0}, "MAX_RETRIEVALS is 0"),
    ({"MAX_ACTIVE_JOBS": 0}, "MAX_ACTIVE_JOBS is 0"),
    ({"UPLOADS_PER_HOUR": -5}, "UPLOADS_PER_HOUR is -5"),
    ({"UPLOAD_MAX_BYTES": -1}, "UPLOAD_MAX_BYTES is -1"),
    ({"ANNOTATE_MEMORY_BYTES": 0}, "ANNOTATE_MEMORY_BYTES is 0"),
    ({"ARCHIVE_AFTER_SECONDS": -1.0}, "ARCHIVE_AFTER_SECONDS is -1.0: it must be zero or more."),
    ({"PRICE_S3_READ": -0.1}, "PRICE_S3_READ is -0.1"),
    ({"SWEEP_SECONDS": float("nan")}, "SWEEP_SECONDS is nan"),
    ({"POLL_STANDARD_SECONDS": float("inf")}, "POLL_STANDARD_SECONDS is inf"),
    ({"UPLOAD_EXPIRES_SECONDS": 700_000}, "AWS takes 604800 at most"),
    ({"DOWNLOAD_EXPIRES_SECONDS": 700_000}, "AWS takes 604800 at most"),
    ({"SQS_WAIT_SECONDS": 21}, "AWS takes 20 at most"),
    ({"VISIBILITY_TIMEOUT_SECONDS": 43_201}, "AWS takes 43200 at most"),
    (
        {"ANNOTATE_SOFT_LIMIT_SECONDS": 1801},
        "ANNOTATE_SOFT_LIMIT_SECONDS (1801) must be less than ANNOTATE_HARD_LIMIT_SECONDS (1800).",
    ),
    ({"ANNOTATE_HARD_LIMIT_SECONDS": 1500}, "must be less than ANNOTATE_HARD_LIMIT_SECONDS (1500)"),
    ({"ANNOTATE_EXPANDED_MAX_BYTES": 1000}, "must be at most ANNOTATE_EXPANDED_MAX_BYTES (1000)"),
    ({"PREMIUM_EXPANDED_MAX_BYTES": 1000}, "must be at most PREMIUM_EXPANDED_MAX_BYTES (1000)"),
    ({"PREMIUM_UPLOAD_MAX_BYTES": 1000}, "must be at most PREMIUM_UPLOAD_MAX_BYTES (1000)"),
    ({"STRIPE_SECRET_KEY": "sk_test_x"}, "STRIPE_SECRET_KEY needs STRIPE_PRICE_ID."),
    ({"GLOBUS_CLIENT_ID": "x"}, "GLOBUS_CLIENT_ID needs GLOBUS_CLIENT_SECRET."),
    ({"SITE_URL": "https://gas.example.org/gas"}, "SITE_URL is more than a scheme, a host and a port"),
    ({"SITE_URL": "https://gas.example.org?a=b"}, "SITE_URL is more than"),
    ({"SITE_URL": "https://me@gas.example.org"}, "SITE_URL is more than"),
    ({"SITE_URL": "gas.example.org"}, "SITE_URL is 'gas.example.org'"),
    ({"SITE_URL": "ftp://gas.example.org"}, "SITE_URL is 'ftp:"),
    ({"SQS_QUEUE_URL_BASE": "123456789012"}, "SQS_QUEUE_URL_BASE is no address"),
    ({"EMAIL_BACKEND": "anymail.backends.amazon_sess.EmailBackend"}, "EMAIL_BACKEND cannot be imported"),
    ({"EMAIL_BACKEND": "ses"}, "EMAIL_BACKEND cannot be imported"),
    ({"DEFAULT_REFERENCE": "GRCh39"}, "DEFAULT_REFERENCE is 'GRCh39', which is not installed"),
    ({"WORK_DIR": Path("/none/such")}, "WORK_DIR is /none/such, which is not a folder."),
    ({"REFERENCES_DIR": Path("/dev/null")}, "REFERENCES_DIR is /dev/null, which is not a folder."),
]


def told() -> list[str]:
    return [str(found.msg) for found in checks.check_settings() if isinstance(found, Error)]


def test_the_settings_of_the_tests_are_possible() -> None:
    assert told() == []


@pytest.mark.parametrize(("changes", "words"), REFUSED, ids=[f"{change}"[:60] for change, _ in REFUSED])
def test_impossible_settings_are_refused(settings: Settings, changes: dict[str, Any], words: str) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    (text,) = told()
    assert words in text


@pytest.mark.parametrize("name", [*sorted(checks.MAY_BE_ZERO), "PRICE_S3_WRITE"])
def test_some_numbers_may_be_zero(settings: Settings, name: str) -> None:
    assert name in env.dump()
    setattr(settings, name, 0)
    assert told() == []


def lowest() -> dict[str, float]:
    """The least value that settings.py itself takes of each number: {"RESTORE_COPY_DAYS": 1, …}."""
    settings_file = ast.parse((Path(checks.__file__).parent / "settings.py").read_text())
    return {
        ast.literal_eval(read.args[0]): ast.literal_eval(least.value)
        for read in ast.walk(settings_file)
        if isinstance(read, ast.Call) and ast.unparse(read.func) in {"env.int", "env.float"}
        for rule in ast.walk(read)
        for least in (rule.keywords if isinstance(rule, ast.Call) and rule is not read else ())
        if least.arg == "min"
    }


def test_a_number_that_the_settings_file_lets_be_zero_may_be_zero() -> None:
    assert lowest()["STORAGE_SCAN_HOURS"] == 0
    assert {name for name, least in lowest().items() if least == 0} <= checks.MAY_BE_ZERO


def test_names_are_ours_by_the_first_word_of_any_setting_that_only_we_have() -> None:
    common = {"AWS", "CACHE", "CELERY", "DATABASE", "DEBUG", "DEFAULT", "EMAIL", "LOG", "SECRET", "SITE", "WORK"}
    common |= {"ALLOWED", "BEHIND", "DEVSTACK", "HSTS", "SUPPORT"}
    ours = [name for name in env.dump() if name.split("_")[0] not in common]
    assert [name for name in ours if not name.startswith(checks.OUR_BEGINNINGS)] == []


def test_every_name_in_the_tables_is_a_setting() -> None:
    named = {*checks.AT_MOST, *checks.FOLDERS, *(name for pair in checks.TOGETHER for name in pair)}
    named |= {name for small, large, _ in checks.IN_ORDER for name in (small, large)}
    assert named - set(env.dump()) == {"VISIBILITY_TIMEOUT_SECONDS"}  # made of another


def test_a_published_reference_may_be_the_default(settings: Settings) -> None:
    settings.DEFAULT_REFERENCE, settings.REFERENCES_S3 = "GRCh38", "bucket/packs"
    assert told()
    ReferencePack.objects.create(id="GRCh38", version="115", published_at="2026-01-01T00:00Z", contigs=[])
    assert told() == []


def test_without_a_database_the_other_rules_still_answer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> bool:
        raise DatabaseError

    monkeypatch.setattr(checks.references, "is_known", gone)
    settings.MAX_ATTEMPTS = 0
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SITE_ULR", "is SITE_URL meant?"),
        ("LEASE_SECOND", "is LEASE_SECONDS meant?"),
        ("ANOTATE_MEMORY_BYTES", "is ANNOTATE_MEMORY_BYTES meant?"),
        ("ALERT_EMAIL", "is ALERT_EMAILS meant?"),
        ("ARCHIVE_AFTER_HOURS", "see docs/settings.md"),
        ("STRIPE_KEY", "see docs/settings.md"),
    ],
)
def test_misspelt_names_are_told(name: str, words: str) -> None:
    (text,) = checks.misspelt(
        [name, "PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "SITE_URL", "DJANGO_SETTINGS_MODULE"]
    )
    assert text.startswith(f"{name} is no setting")
    assert words in text


def test_misspelt_names_are_found_in_the_environment_and_are_warnings(settings: Settings) -> None:
    settings.ENVIRONMENT_NAMES = frozenset({"SITE_ULR"})
    (found,) = [one for one in checks.check_settings() if isinstance(one, Warning)]
    assert "SITE_ULR" in str(found.msg)


def test_a_file_of_the_front_end_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "FRONT_END", ("dist/app.css", "dist/none.js"))
    (text,) = told()
    assert "There is no front-end build (dist/none.js)" in text


def test_every_built_file_that_a_page_names_is_looked_for() -> None:
    pages = Path(checks.__file__).parent.rglob("*.html")
    named = {name for page in pages for name in re.findall(r"{% static ['\"](dist/[^'\"]+)", page.read_text())}
    assert named <= set(checks.FRONT_END)
