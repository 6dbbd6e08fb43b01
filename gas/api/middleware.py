"""What every answer under /api/ has: rate limits in headers, and problem+json where Django would send a page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gas.api import limits
from gas.api.problems import BY_STATUS, MEDIA_TYPE, Problem

ROOT = "/api/"
#: The largest body of a request. Files go to S3.
MAX_BODY_BYTES = 1024**2
Handler = Callable[[HttpRequest], HttpResponse]


class ApiMiddleware:
    """Turns errors that did not come from a route (unknown addresses, methods, hosts, crashes) into problems."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(ROOT):
            return self._get_response(request)
        response = Problem("too-large").answer() if _is_too_large(request) else self._get_response(request)
        if response.status_code >= 400 and response["Content-Type"] != MEDIA_TYPE:
            response = _as_problem(response)
        limits.tell(request, response)
        return response


def _is_too_large(request: HttpRequest) -> bool:
    length = request.headers.get("Content-Length", "")
    return length.isdecimal() and int(length) > MAX_BODY_BYTES


def _as_problem(response: HttpResponse) -> HttpResponse:
    code = BY_STATUS.get(response.status_code, "internal" if response.status_code >= 500 else "bad-request")
    headers = {"Allow": response["Allow"]} if "Allow" in response else {}
    return Problem(code, headers=headers).answer()
