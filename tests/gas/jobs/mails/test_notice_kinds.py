"""The kinds of mails: Django does not start while a part of one is missing."""

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from gas.jobs import notice_kinds
from gas.jobs.models import Notice
from gas.jobs.notice_kinds import KINDS, Kind, NoticeKind
from gas.users.forms import ProfileForm


def without(kind: Kind) -> dict[Kind, NoticeKind]:
    return {one: entry for one, entry in KINDS.items() if one != kind}


def test_every_kind_is_complete() -> None:
    notice_kinds.check()


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_without_an_entry_stops_the_start(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_kinds, "KINDS", without(kind))
    with pytest.raises(ImproperlyConfigured, match=f"mail {kind} has no entry"):
        apps.get_app_config("jobs").ready()


def test_a_preference_that_no_user_has_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**KINDS, Kind.FAILED: NoticeKind(preference="mail_broken")}
    monkeypatch.setattr(notice_kinds, "KINDS", broken)
    with pytest.raises(ImproperlyConfigured, match="mail failed names a preference"):
        apps.get_app_config("jobs").ready()


@pytest.mark.parametrize("ending", notice_kinds.TEMPLATE_ENDINGS)
def test_a_missing_template_stops_the_start(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    named = notice_kinds.template

    def broken(kind: str, one: str) -> str:
        return "jobs/mail/none" if (kind, one) == (Kind.ARCHIVAL, ending) else named(kind, one)

    monkeypatch.setattr(notice_kinds, "template", broken)
    with pytest.raises(ImproperlyConfigured, match="mail archival has no template"):
        apps.get_app_config("jobs").ready()


def test_every_preference_is_in_the_profile() -> None:
    assert {entry.preference for entry in KINDS.values()} - {""} <= set(ProfileForm.Meta.fields)


def test_the_column_takes_every_kind_without_a_migration() -> None:
    field: Any = Notice._meta.get_field("kind")
    assert [value for value, _ in field.choices] == list(Kind.values)
    assert field.deconstruct()[3]["choices"] is notice_kinds.choices
    assert max(map(len, Kind.values)) <= field.max_length
