"""How many requests a token may send, and the headers that tell a program how many it has left."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from gas.api.problems import Problem
from gas.rate_limits import RateLimit, Usage

REQUESTS: Final = RateLimit("api", seconds=60)


def take(request: HttpRequest, who: str) -> None:
    """Count a request. Raises Problem if there were too many within the minute."""
    usage = REQUESTS.use(who, settings.API_REQUESTS_PER_MINUTE)
    request.rate_usage = usage  # type: ignore[attr-defined]
    if not usage.allowed:
        raise Problem("rate-limited", headers={"Retry-After": str(usage.resets_in)})


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the headers of draft-ietf-httpapi-ratelimit-headers to the answer of a request that was counted."""
    usage: Usage | None = getattr(request, "rate_usage", None)
    if usage is not None:
        response["RateLimit-Policy"] = f'"requests";q={usage.limit};w={REQUESTS.seconds:.0f}'
        response["RateLimit"] = f'"requests";r={usage.remaining};t={usage.resets_in}'
