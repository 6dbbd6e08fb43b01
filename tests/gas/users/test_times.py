"""Times are told in the zone of the profile, by the server and by the page's script."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gas.jobs.templatetags.words import clock
from gas.users.models import User

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("name", "words"), [("Asia/Tokyo", "15 Jan, 21:00 JST"), ("UTC", "15 Jan, 12:00 UTC")])
def test_the_server_writes_them_in_the_zone(name: str, words: str) -> None:
    with timezone.override(name):
        text = str(clock(NOON))
    assert f">{words}</time>" in text
    assert 'datetime="2026-01-15T12:00:00+00:00"' in text


def test_today_is_the_readers_today() -> None:
    with timezone.override("Pacific/Kiritimati"):  # 14 hours ahead
        today = timezone.localtime().replace(hour=0, minute=1)
        assert ">00:01 " in str(clock(today))
        assert ">00:01 " not in str(clock(today - timedelta(days=1)))


@pytest.mark.once
@pytest.mark.django_db
def test_the_page_tells_its_script_which_zone(client: Client, person: User) -> None:
    assert "data-time-zone" not in client.get("/profile/").content.decode()
    User.objects.update(time_zone="Asia/Tokyo")
    assert '<html lang="en" data-time-zone="Asia/Tokyo">' in client.get("/profile/").content.decode()
