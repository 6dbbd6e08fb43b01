"""Small parts that every layer shares: types, answers, and AWS's error bodies."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
#: The server's start_response. Layers call it with (status, headers) or (status, headers, exc_info).
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


def respond(
    start_response: StartResponse,
    status: int,
    body: bytes | str = b"",
    headers: Mapping[str, str] | None = None,
) -> list[bytes]:
    data = body.encode() if isinstance(body, str) else body
    every = {"Content-Length": str(len(data)), **(headers or {})}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(every.items()))
    return [data]


class S3Error(Exception):
    """A refusal in S3's words. `details` become elements of the answer, in their order."""

    def __init__(self, status: int, code: str, message: str, **details: object) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.details = status, code, message, details

    def body(self) -> str:
        parts = {
            "Code": self.code,
            "Message": self.message,
            **self.details,
            "RequestId": uuid.uuid4().hex[:16],
        }
        inner = "".join(f"<{tag}>{escape(str(value))}</{tag}>" for tag, value in parts.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'

    def answer(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        body = "" if environ["REQUEST_METHOD"] == "HEAD" else self.body()
        return respond(start_response, self.status, body, {"Content-Type": "application/xml"})


def bucket_and_key(environ: Environ) -> tuple[str, str]:
    """Of a path-style S3 request; "" where there is none."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", errors="replace")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key
