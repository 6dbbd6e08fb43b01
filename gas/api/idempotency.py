"""Requests that may be repeated: an Idempotency-Key makes a POST create once, however often it is sent.

The key's row is inserted first, in one transaction with what the request creates. A repeat at the same time waits for
that transaction, because the key is unique, and then finds the first answer; on PostgreSQL it waits for LOCK_SECONDS
at most, and is then refused. A process that dies leaves neither the row nor what the request would have created.
"""

import hashlib
import json
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final

from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.responses import NinjaJSONEncoder, Status
from ninja.utils import contribute_operation_callback
from psycopg.errors import LockNotAvailable
from pydantic import BaseModel

from gas.api.auth import ApiRequest
from gas.api.models import KEY_CHARACTERS, IdempotentAnswer
from gas.api.problems import Problem
from gas.users.models import User

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
#: Answers are kept this long.
KEPT: Final = timedelta(hours=24)
#: A repeat waits this long for the first request, and its client for this long before it sends another.
LOCK_SECONDS: Final = 5
#: The parameter in the OpenAPI document.
PARAMETER: Final = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "Chosen by the client, such as a UUID. The same request with the same key is done once, and gets "
    "the first answer again for 24 hours, with null in place of secrets and presigned addresses. The key with another "
    "request is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS, "pattern": "^[!-~]+$"},
}
_VISIBLE = frozenset(string.ascii_letters + string.digits + string.punctuation)

View = Callable[..., Status[Any]]


def idempotent(view: View, *, secrets: tuple[str, ...] = ()) -> Callable[..., HttpResponse]:
    """Make an endpoint that creates something answer a repeated request with the first answer.

    The view returns a Status of 2xx with a schema, and raises a Problem if it refuses; refusals are not kept. All that
    it writes must be in the database or repeatable, and what it sends leaves after the commit.

    Args:
        view: the endpoint.
        secrets: fields of the answer that the database must not have; they are null in a repeated answer.
    """

    @wraps(view)
    def answer(request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get(HEADER)
        if key is None:
            return _respond(*_parts(view(request, *args, **kwargs)))
        _check(key)
        fingerprint = _fingerprint(request)
        try:
            with transaction.atomic():
                row = _insert(request.auth.user, key, fingerprint)
                status, body = _parts(view(request, *args, **kwargs))
                kept = {**body, **dict.fromkeys(secrets)} if secrets else body
                IdempotentAnswer.objects.filter(pk=row.pk).update(status=status, body=kept)
        except IntegrityError:
            first = IdempotentAnswer.objects.filter(owner=request.auth.user, key=key).first()
            if first is None:
                raise  # it was the view's own
            return _replay(first, fingerprint)
        return _respond(status, body)

    contribute_operation_callback(answer, _document)
    return answer


def _insert(owner: User, key: str, fingerprint: str) -> IdempotentAnswer:
    """Insert the key's row, once no other transaction has it. Raises IntegrityError, and Problem after LOCK_SECONDS."""
    if connection.vendor != "postgresql":
        return IdempotentAnswer.objects.create(owner=owner, key=key, fingerprint=fingerprint)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        try:
            row = IdempotentAnswer.objects.create(owner=owner, key=key, fingerprint=fingerprint)
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Problem("in-progress", headers={"Retry-After": str(LOCK_SECONDS)}) from error
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")  # what the view waits for is its own matter
    return row


def _document(operation: Any) -> None:
    operation.openapi_extra = {**(operation.openapi_extra or {}), "parameters": [PARAMETER]}


def _check(key: str) -> None:
    if not 1 <= len(key) <= KEY_CHARACTERS or not _VISIBLE.issuperset(key):
        text = f"The key has 1 to {KEY_CHARACTERS} letters, digits and signs of ASCII, without spaces."
        raise Problem("invalid", errors=[(HEADER, text)])


def _fingerprint(request: HttpRequest) -> str:
    whole = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(whole).hexdigest()


def _parts(status: Status[Any]) -> tuple[int, Any]:
    value = status.value.model_dump() if isinstance(status.value, BaseModel) else status.value
    return status.status_code, json.loads(json.dumps(value, cls=NinjaJSONEncoder))


def _respond(status: int, body: Any) -> HttpResponse:
    return JsonResponse(body, status=status, safe=False)


def _replay(row: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if row.fingerprint != fingerprint:
        raise Problem("key-reused")
    response = _respond(row.status, row.body)
    response[REPLAYED] = "true"
    return response


def forget_old(now: datetime) -> int:
    """Delete answers that are older than KEPT. Returns their number."""
    return IdempotentAnswer.objects.filter(created_at__lt=now - KEPT).delete()[0]
