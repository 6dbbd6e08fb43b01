"""An id for each request: in the header X-Request-Id, in log lines, and in errors of the API."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gas.logs import request_id

HEADER = "X-Request-Id"
Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Assign an id to each request. A client's own id is ignored: it could imitate another request in the logs."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = secrets.token_hex(8)
        token = request_id.set(name)
        try:
            response = self._get_response(request)
        finally:
            request_id.reset(token)
        response[HEADER] = name
        return response
