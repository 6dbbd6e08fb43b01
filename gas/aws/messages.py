"""Check whether Celery can run a message from a queue.

Celery 5.7 checks few of a message's fields. A bad value in another field raises in the worker's main process, which
ends; the message is delivered again, and ends the next worker. So the whole message is checked before Celery gets it.

Unknown fields are accepted, because later releases of Celery and tracing add some.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

MAX_NAME = 255
MAX_RETRIES = 1000


class BadMessage(Exception):
    """The message cannot be run; the text names the field."""


def check_message(payload: Mapping[str, Any]) -> None:
    """Check a message of Celery's protocol 2, as kombu has parsed it.

    Raises:
        BadMessage: a field is missing, or has a value that Celery fails on.
    """
    _check("message", payload, MESSAGE)
    _check("properties", payload["properties"], PROPERTIES)
    _check("delivery_info", payload["properties"].get("delivery_info"), DELIVERY)
    _check("headers", payload["headers"], HEADERS)
    _check_body(payload["body"], payload["properties"].get("body_encoding"))


def _check(where: str, values: Any, fields: Mapping[str, Callable[[Any], bool]]) -> None:
    if not isinstance(values, dict):
        raise BadMessage(f"{where} is not an object")
    for name, is_right in fields.items():
        if not is_right(values.get(name)):
            raise BadMessage(f"{where}: {name} is {values.get(name)!r:.100}")


def _check_body(body: str, encoding: str | None) -> None:
    try:
        found = json.loads(base64.b64decode(body, validate=True) if encoding else body)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"body: {error!r:.100}") from error
    if not isinstance(found, list) or [type(part) for part in found] != [list, dict, dict]:
        raise BadMessage("body is not [arguments, named arguments, options]")
    _check("body", found[2], OPTIONS)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 < value < 1e9


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return False
    return True


def _maybe(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


def _is_a(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_RETRIES


def _is_pair_of_limits(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_maybe(_is_number), value))


MESSAGE = {
    "headers": _is_a(dict),
    "properties": _is_a(dict),
    "body": _is_a(str),
    "content-type": lambda value: value == "application/json",
    "content-encoding": lambda value: value in {"utf-8", "us-ascii"},
}
PROPERTIES = {
    "correlation_id": _maybe(_is_name),
    "reply_to": _maybe(_is_a(str)),
    "body_encoding": lambda value: value in {None, "base64"},
    "priority": _maybe(_is_a(int)),
}
DELIVERY = {"exchange": _maybe(_is_a(str)), "routing_key": _maybe(_is_a(str))}
HEADERS = {
    "task": _is_name,
    "id": _is_name,
    "root_id": _maybe(_is_name),
    "parent_id": _maybe(_is_name),
    "group": _maybe(_is_name),
    "group_index": _maybe(_is_count),
    "shadow": _maybe(_is_name),
    "retries": _maybe(_is_count),
    "timelimit": _maybe(_is_pair_of_limits),
    # A worker would hold the message in its memory until then. The service's own delays wait in SQS: see broker.py.
    "eta": lambda value: value is None,
    "expires": _maybe(_is_date),
    "compression": lambda value: value is None,
    "ignore_result": _maybe(_is_a(bool)),
    "argsrepr": _maybe(_is_a(str)),
    "kwargsrepr": _maybe(_is_a(str)),
    "replaced_task_nesting": _maybe(_is_count),
    "stamped_headers": _maybe(_is_a(list)),
    "stamps": _maybe(_is_a(dict)),
}
#: What follows the task: each None or a list.
OPTIONS = {name: _maybe(_is_a(list)) for name in ("callbacks", "errbacks", "chain")} | {"chord": _maybe(_is_a(dict))}
