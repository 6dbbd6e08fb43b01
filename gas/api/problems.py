"""Errors as RFC 9457 problem+json. CODES is the one table of what can go wrong; codes never change their meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from ninja import Schema
from pydantic import Field

from gas.logs import request_id

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Attributes:
        status: the HTTP status.
        title: what is wrong, the same for every problem of the kind.
        detail: what is wrong and what to do, unless the problem brings a sentence of its own.
    """

    status: int
    title: str
    detail: str = ""


CODES: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "Bad request", "The request cannot be read. Check its headers and its body."),
    "bad-json": Kind(400, "The body is not JSON", "Send the body as JSON in UTF-8."),
    "unauthenticated": Kind(
        401, "Not signed in", "Send an access token in the header Authorization: Bearer. Make one on your profile page."
    ),
    "invalid-token": Kind(401, "Unknown token", "There is no such token. Check that it is complete, or make one."),
    "expired-token": Kind(401, "Expired token", "This token has expired. Make a new one on your profile page."),
    "revoked-token": Kind(401, "Revoked token", "This token was revoked. Make a new one on your profile page."),
    "missing-scope": Kind(403, "The token does not allow this", "The token lacks a scope."),
    "csrf": Kind(403, "The page is out of date", "Load the page again, and send the CSRF token with the request."),
    "forbidden": Kind(403, "Not allowed", "You may not do this."),
    "not-found": Kind(404, "Not found", "There is nothing at this address, or it is not yours."),
    "method-not-allowed": Kind(405, "Method not allowed", "This address does not take this method; see Allow."),
    "refused": Kind(409, "Not possible now", "This is not possible in the present state."),
    "in-progress": Kind(
        409,
        "The first request is still being done",
        "The first request with this Idempotency-Key is still being done. Send it again after Retry-After seconds.",
    ),
    "upload-refused": Kind(409, "The upload is refused"),
    "not-available": Kind(409, "The result is not available", "The result cannot be read just now."),
    "too-large": Kind(413, "Too large", "The body of the request is too large. Files are sent to the storage itself."),
    "invalid": Kind(422, "Invalid request", "The request has values that are missing or wrong; see errors."),
    "bad-cursor": Kind(422, "Unknown cursor", "The cursor is not from this list. Begin without one."),
    "key-reused": Kind(
        422, "Idempotency-Key used before", "This Idempotency-Key was sent with another request. Choose a new one."
    ),
    "query-refused": Kind(422, "The question is refused"),
    "rate-limited": Kind(429, "Too many requests", "You have sent too many requests. Wait as Retry-After says."),
    "too-many-uploads": Kind(429, "Too many uploads"),
    "internal": Kind(
        500, "Internal error", "Something is broken here. Staff have been told; try again later, and name the request."
    ),
    "storage-silent": Kind(
        503, "The storage does not answer", "The storage does not answer at the moment. Try again in a minute."
    ),
    "unavailable": Kind(503, "Not available now", "The service cannot do this at the moment. Try again in a minute."),
}
#: The code of an answer that Django itself gives.
BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    429: "rate-limited",
    503: "unavailable",
}


class FieldProblem(Schema):
    """What is wrong with one value of a request."""

    field: str = Field(description="The name of the parameter or of the body's field, with dots for nested ones.")
    message: str = Field(description="What is wrong with it.")


class ProblemOut(Schema):
    """An error, as RFC 9457 describes it."""

    type: str = Field(description="An address that explains the code.")
    title: str = Field(description="What is wrong, the same for every problem of the code.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="A stable name of what is wrong, for programs.")
    detail: str = Field(description="What is wrong and what to do, in a sentence for people.")
    request_id: str = Field(description="Names the request in the service's logs.")
    errors: list[FieldProblem] | None = Field(None, description="What is wrong with each value; for the code invalid.")


@dataclass
class Problem(Exception):
    """Raised by a route or by what it calls; the answer is problem+json.

    Attributes:
        code: a key of CODES.
        detail: a sentence for people; "" for that of the code.
        errors: what is wrong with each value, by the name of its field.
        headers: of the answer.
        more: further members of the problem.
    """

    code: str
    detail: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def answer(self) -> HttpResponse:
        """Return the answer."""
        kind = CODES[self.code]
        body: dict[str, Any] = {
            "type": type_of(self.code),
            "title": kind.title,
            "status": kind.status,
            "code": self.code,
            "detail": self.detail or kind.detail,
            "request_id": request_id.get(),
            **self.more,
        }
        if self.errors:
            body["errors"] = [{"field": name, "message": message} for name, message in self.errors]
        response = JsonResponse(body, status=kind.status, content_type=MEDIA_TYPE)
        for name, value in {"Cache-Control": "no-store", **self.headers}.items():
            response[name] = value
        return response


def type_of(code: str) -> str:
    """Return the address that explains a code."""
    return f"{settings.SITE_URL}/api/v1/docs#problem-{code}"
