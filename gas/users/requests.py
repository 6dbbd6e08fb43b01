"""The type of requests in views with `login_required`, and their JSON."""

import json
from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from gas.users.models import User


class PersonRequest(HttpRequest):
    """A request of a signed-in person, after all middleware, for type checkers."""

    user: User
    htmx: HtmxDetails


def json_body(request: HttpRequest) -> Any:
    """Parse the request's body.

    Raises:
        ValueError: it is no JSON in UTF-8, is nested too deeply, or has text that cannot be encoded, such as half of a
            surrogate pair, which JSON can write and no database takes.
    """
    try:
        value = json.loads(request.body.decode())
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value
