"""Pages keep to the content security policy and draw only icons that exist; mails and notices tell the truth."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client

from gas.jobs.lifecycle.failures import failure_of
from gas.jobs.templatetags import words
from gas.users.models import User

GAS = Path(settings.BASE_DIR) / "gas"
TEMPLATES = {str(path.relative_to(GAS / "templates")): path.read_text() for path in GAS.rglob("templates/**/*.html")}
#: Mail programs know no stylesheets, and the policy is not theirs.
PAGES = {name: text for name, text in TEMPLATES.items() if "mail/" not in name}

INLINE = re.compile(
    r"""<style\b | \sstyle\s*= | <script\b(?![^>]*\ssrc\s*=) | \son[a-z]+\s*= | javascript:
      | \shx-on\b | \shx-vals\s*=\s*["']js\b""",
    re.VERBOSE | re.IGNORECASE,
)
COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}", re.DOTALL)


def inline(text: str) -> list[str]:
    """What the content security policy blocks."""
    return [found[0].strip() for found in INLINE.finditer(COMMENT.sub("", text))]


def test_no_page_has_a_style_or_a_script_in_it() -> None:
    assert len(PAGES) > 50
    assert not {name: found for name, text in PAGES.items() if (found := inline(text))}


@pytest.mark.parametrize(
    "text",
    [
        '<p class="a" style="color:red">',
        "<p\n  STYLE = 'color:red'>",
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<script type="module" defer>',
        '<button type="button" onclick="go()">',
        '<body onload = "go()">',
        '<div hx-on:click="go()">',
        """<div hx-vals='js:{a: 1}'>""",
        '<a href="javascript:go()">',
    ],
)
def test_each_of_them_is_seen(text: str) -> None:
    assert inline(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script src=\"{% static 'a.js' %}\" defer></script>",
        '<link rel="stylesheet" href="a.css">',
        "{# no inline style= here #}",
        "<p>once = one, a style of its own</p>",
    ],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert not inline(text)


def test_every_icon_that_is_drawn_is_built_and_the_other_way_round() -> None:
    listed = re.findall(r"^ *'([a-z0-9-]+)',$", (GAS / "frontend" / "icons.mjs").read_text(), re.MULTILINE)
    drawn = set()
    for text in TEMPLATES.values():
        drawn |= set(re.findall(r"{% icon (\S+)", text))
    by_name = {argument.strip("\"'") for argument in drawn if argument[0] in "\"'"}
    assert drawn - {f'"{name}"' for name in by_name} == {"look.icon"}  # the one variable, read from the tables here:
    looks = [*words.LOOKS.values(), *words.MESSAGE_LOOKS.values(), words.message_look("")]
    assert sorted(listed) == sorted(by_name | {look.icon for look in looks})


#: Codes that say nothing against the file.
OURS = ["our-fault", "too-long"]


def failure(code: str, **more: Any) -> dict[str, Any]:
    """A failed job, as the templates see it."""
    texts = {"failure_message": "What happened.", "failure_advice": "What to do."}
    job = SimpleNamespace(pk=uuid4(), name="a.vcf", failure_code=code, **{"log_key": "", **texts, **more})
    kind = failure_of(code)
    return {
        "job": job,
        "failure": kind,
        "can_retry": kind.retry,
        "csrf_token": "token",
        "site_name": "GAS",
        "url": "http://testserver/",
    }


@pytest.mark.parametrize("template", ["jobs/_failed.html", "jobs/mail/failed.html", "jobs/mail/failed.txt"])
@pytest.mark.parametrize("code", [*OURS, "no-header", "input-missing"])
def test_a_file_is_blamed_only_for_what_it_is_the_cause_of(template: str, code: str) -> None:
    text = render_to_string(template, failure(code))
    assert ("could not be annotated" in text) == (code not in OURS)
    assert ("did not finish" in text) == (code in OURS)
    assert "What happened." in text
    assert "What to do." in text


@pytest.mark.parametrize(
    ("code", "offer"),
    [
        ("our-fault", "Try again"),
        ("too-long", "Upload the parts"),
        ("file-size", "Upload another file"),
        ("input-missing", "Upload the file again"),
        ("input-replaced", "Upload the file again"),
        ("no-header", "Upload a corrected file"),
    ],
)
def test_a_failed_job_offers_what_helps(code: str, offer: str) -> None:
    page = render_to_string("jobs/_failed.html", failure(code))
    buttons = re.findall(r'class="btn .*?</svg>(.*?)</(?:a|button)>', page)
    assert buttons == [offer]


@pytest.mark.parametrize("log_key", ["", "results/1/log.txt"])
def test_a_mail_speaks_of_a_log_only_when_there_is_one(log_key: str) -> None:
    assert ("log" in render_to_string("jobs/mail/failed.txt", failure("no-header", log_key=log_key))) == bool(log_key)


@pytest.mark.parametrize(
    ("seconds", "told"), [(3600, "may take 60 minutes<"), (60, "may take 1 minute<"), (900, "may take 15 minutes<")]
)
def test_the_limits_tell_how_long_an_upload_may_take(seconds: int, told: str) -> None:
    assert told in render_to_string("jobs/_limits.html", {"max_bytes": 1, "expires_seconds": seconds})


@pytest.mark.once
def test_whose_password_was_changed_by_somebody_else_is_told_whom_to_write_to(person: User, settings: Any) -> None:
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    old, new = "correct horse battery", "a long enough phrase"
    client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})
    (sent,) = mail.outbox
    assert f"write to {settings.SUPPORT_EMAIL}" in sent.body
