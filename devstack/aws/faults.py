"""Faults on demand: some calls fail, by seeded chance, before anybody has seen them, so that nothing has happened.

A rule: {"service": "s3|sqs|glacier|sns|ses|sesv2|*", "action": "ReceiveMessage" (all, if left out), "rate": 0.05,
"status": 503, "code": "ServiceUnavailable", "message": "...", "mode": "answer" | "drop" | "hold", "seconds": 60}.
`drop` closes the connection without an answer, as an outage does. `hold` carries the call out, and keeps its answer
back until the rules are replaced, or for a number of seconds: the caller can be killed meanwhile. `held` counts the
answers that were. An action in a form body (SNS, SES version 1) is not read.
"""

import json
import random
import threading
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

from devstack.aws.operations import Operation, operation
from devstack.aws.wsgi import App, Environ, S3Error, StartResponse, respond


@dataclass
class Rule:
    service: str = "*"
    action: str = ""
    rate: float = 1.0
    status: int = 503
    code: str = "ServiceUnavailable"
    message: str = "Please reduce your request rate."
    mode: Literal["answer", "drop", "hold"] = "answer"
    seconds: float = 60.0
    seen: int = 0
    hits: int = 0
    held: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1 or not 400 <= self.status <= 599 or self.mode not in {"answer", "drop", "hold"}:
            raise ValueError("rate is 0 to 1, status 400 to 599, mode answer, drop or hold")

    def concerns(self, call: Operation) -> bool:
        return self.service in {"*", call.service} and self.action in {"", call.action}


class Faults:
    def __init__(self, app: App) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._replaced = threading.Event()
        self._random = random.Random(0)

    def set(self, rules: Iterable[dict[str, Any]], seed: int = 0) -> None:
        """Replace all rules.

        Raises:
            TypeError, ValueError: a rule has an unknown key or an impossible value.
        """
        made = [Rule(**rule) for rule in rules]
        with self._lock:
            self._rules, self._random = made, random.Random(seed)
            self._replaced.set()
            self._replaced = threading.Event()

    def state(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        rule = self._draw(environ)
        if rule is None:
            return self.app(environ, start_response)
        if rule.mode == "drop":
            raise ConnectionAbortedError("a fault: dropped")  # the server closes the connection, and says nothing
        if rule.mode == "hold":
            return self._hold(rule, environ, start_response)
        return answer(rule, operation(environ), environ, start_response)

    def _hold(self, rule: Rule, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        replaced = self._replaced
        done = self.app(environ, start_response)  # sends nothing before its first chunk is asked for
        with self._lock:
            rule.held += 1
        replaced.wait(rule.seconds)
        return done

    def _draw(self, environ: Environ) -> Rule | None:
        with self._lock:
            if not self._rules:
                return None
            call = operation(environ)
            for rule in self._rules:
                if not rule.concerns(call):
                    continue
                rule.seen += 1
                if self._random.random() < rule.rate:
                    rule.hits += 1
                    return rule
        return None


def answer(rule: Rule, call: Operation, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Return the error in the form that the service's protocol has."""
    if call.service == "s3":
        return S3Error(rule.status, rule.code, rule.message).answer(environ, start_response)
    fault = "Receiver" if rule.status >= 500 else "Sender"
    request_id = str(uuid.uuid4())
    if call.service in {"sns", "ses"}:
        inner = f"<Type>{fault}</Type><Code>{escape(rule.code)}</Code><Message>{escape(rule.message)}</Message>"
        body = f"<ErrorResponse><Error>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        return respond(start_response, rule.status, body, {"Content-Type": "text/xml"})
    told = {"__type": rule.code, "code": rule.code, "message": rule.message, "type": fault}
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": request_id}
    headers |= {"x-amzn-ErrorType": rule.code, "x-amzn-query-error": f"{rule.code};{fault}"}
    return respond(start_response, rule.status, json.dumps(told), headers)
