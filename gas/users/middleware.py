"""Middleware for signed-in people: time zone, last use of the session, and no caching."""

from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

#: Seconds between updates of a session's last use. It is not updated at every request, because pages poll.
SEEN_SECONDS = 300
USER_AGENT_LENGTH = UserSession._meta.get_field("user_agent").max_length
Handler = Callable[[HttpRequest], HttpResponse]


class SeenMiddleware:
    """Keep the list of sessions current: address, browser and last use of each."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(f"seen:{key}", True, SEEN_SECONDS):
            _seen(request, key)
        return self._get_response(request)


def _seen(request: HttpRequest, key: str) -> None:
    """Update the session's row in one query, whether it exists or Django has changed the session's key."""
    session = UserSession(
        session_key=key,
        user=request.user,
        ip=get_adapter(request).get_client_ip(request),
        user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
    )
    with suppress(IntegrityError):  # the account may be deleted just now
        UserSession.objects.bulk_create(
            [session],
            update_conflicts=True,
            unique_fields=["session_key"],
            update_fields=["user", "ip", "user_agent", "last_seen_at"],
        )


class NoStoreMiddleware:
    """Forbid browsers and proxies to store pages of a person and pages about signing in."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path != "/" or request.user.is_authenticated:
            add_never_cache_headers(response)
        return response


class TimeZoneMiddleware:
    """Show times in the zone that the person chose; else in UTC, which a script converts to the device's zone."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone(getattr(request.user, "time_zone", ""))):
            return self._get_response(request)


def zone(name: str) -> ZoneInfo | None:
    """Return the zone of that name; None, for the site's own, if there is no such zone."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
