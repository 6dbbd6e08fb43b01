"""Health checks: whether this web process is alive, and which of its dependencies answer.

/healthz/ is for supervisors that restart processes, and for a load balancer: 200 if the process answers.
/readyz/ is for a deployment that waits, and for monitoring: each dependency by name, and 503 without the database,
without which no page works. A failure of another dependency degrades the service, and is named with 200.
"""

import threading
import time
from collections.abc import Callable

from django.core.cache import caches
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from gas.aws import probes
from gas.cache import RedisOrMemory

ALIVE, READY = "/healthz/", "/readyz/"
#: Seconds for which the answers of AWS and the cache are reused, so that requests cannot cause many checks.
KEPT_SECONDS = 10.0
Handler = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """Answer before the host check and the redirect to https: load balancers use addresses, without TLS."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == ALIVE:
            return JsonResponse({"status": "ok"})
        return ready() if request.path == READY else self._get_response(request)


def ready() -> JsonResponse:
    """{"status": "ok", "degraded" or "unavailable", and for each part whether it answers}."""
    parts = {"database": database_answers(), **_others.answers()}
    status = "ok" if all(parts.values()) else "degraded" if parts["database"] else "unavailable"
    told = {name: "ok" if answers else "unreachable" for name, answers in parts.items()}
    return JsonResponse({"status": status, **told}, status=200 if parts["database"] else 503)


def database_answers() -> bool:
    """Return whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def cache_answers() -> bool:
    """Return whether the cache answers: always True, unless it is a Redis that does not."""
    cache = caches["default"]
    try:
        if isinstance(cache, RedisOrMemory):
            cache.ping()
    except RedisError:
        return False
    return True


class _Others:
    """The dependencies that degrade the service. One thread checks them at a time; others get the last answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._known: dict[str, bool] = {}

    def answers(self) -> dict[str, bool]:
        is_due = time.monotonic() - self._asked_at >= KEPT_SECONDS
        if is_due and self._lock.acquire(blocking=False):
            try:
                self._known = {
                    "cache": cache_answers(),
                    "queues": probes.queues_answer(),
                    "storage": probes.storage_answers(),
                }
                self._asked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._known


_others = _Others()
