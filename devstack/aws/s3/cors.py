"""A bucket's CORS rules, as put_bucket_cors set them, decide what a browser may do and read.

Source: "Using cross-origin resource sharing", Amazon S3 user guide: the first rule that matches counts, and
`*` may stand once in an allowed origin or header. moto's own wildcard answers are taken away.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from moto.s3.models import s3_backends

from devstack.aws.credentials import ACCOUNT
from devstack.aws.operations import operation
from devstack.aws.wsgi import App, Environ, Headers, S3Error, StartResponse, bucket_and_key, respond

_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
    "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
    "resource's CORS spec."
)  # S3's words, its spelling too


class Rule(NamedTuple):
    origins: Sequence[str]
    methods: Sequence[str]
    headers: Sequence[str]
    exposed: Sequence[str]
    max_age: str

    def matches(self, origin: str, method: str, headers: Iterable[str] = ()) -> bool:
        return (
            _any_like(self.origins, origin)
            and method in self.methods
            and all(_any_like(self.headers, header, ignore_case=True) for header in headers)
        )

    def answer(self, origin: str) -> Headers:
        any_origin = "*" in self.origins
        found = [
            ("Access-Control-Allow-Origin", "*" if any_origin else origin),
            ("Access-Control-Allow-Methods", ", ".join(self.methods)),
            _VARY,
        ]
        if not any_origin:
            found.append(("Access-Control-Allow-Credentials", "true"))
        if self.exposed:
            found.append(("Access-Control-Expose-Headers", ", ".join(self.exposed)))
        if self.max_age:
            found.append(("Access-Control-Max-Age", self.max_age))
        return found


class Cors:
    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN", "")
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return self._preflight(environ, start_response, origin)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
            if origin and operation(environ).service == "s3":
                rules = bucket_rules(bucket_and_key(environ)[0])
                method = environ["REQUEST_METHOD"]
                rule = next((rule for rule in rules if rule.matches(origin, method)), None)
                kept += rule.answer(origin) if rule else []
            return start_response(status, kept, exc_info) if exc_info else start_response(status, kept)

        return self.app(environ, start)

    def _preflight(self, environ: Environ, start_response: StartResponse, origin: str) -> Iterable[bytes]:
        asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        headers = [name.strip() for name in asked.split(",") if name.strip()]
        try:
            rule = preflight_rule(environ, origin, headers)
        except S3Error as error:
            return error.answer(environ, start_response)
        answer = dict(rule.answer(origin))
        if headers:
            answer["Access-Control-Allow-Headers"] = ", ".join(headers)
        return respond(start_response, 200, b"", answer)


def preflight_rule(environ: Environ, origin: str, headers: list[str]) -> Rule:
    """Return the rule that lets the announced request in.

    Raises:
        S3Error: there is none, or nothing is announced.
    """
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    if not origin or not method:
        raise S3Error(400, "BadRequest", "Insufficient information. Origin request header needed.")
    rules = bucket_rules(bucket_and_key(environ)[0])
    if not rules:
        raise S3Error(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    rule = next((rule for rule in rules if rule.matches(origin, method, headers)), None)
    if rule is None:
        raise S3Error(403, "AccessForbidden", _NOT_ALLOWED, Method=method, ResourceType="OBJECT")
    return rule


def bucket_rules(bucket: str) -> list[Rule]:
    """In their order; none for a bucket without rules, or no bucket."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return [
        Rule(
            rule.allowed_origins or (),
            rule.allowed_methods or (),
            rule.allowed_headers or (),
            rule.exposed_headers or (),
            str(rule.max_age_seconds or ""),
        )
        for rule in (found.cors if found else [])
    ]


def _any_like(patterns: Iterable[str], value: str, *, ignore_case: bool = False) -> bool:
    flags = re.IGNORECASE if ignore_case else 0
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), value, flags) for one in patterns)
