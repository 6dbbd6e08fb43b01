"""The mail that was sent: what moto's SES keeps in memory, parsed, with the time at which it came."""

import email
import email.policy
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

from moto.ses.models import Message, RawMessage, ses_backends

from devstack.aws.credentials import ACCOUNT, REGION
from devstack.aws.operations import operation
from devstack.aws.wsgi import App, Environ, StartResponse


@dataclass(frozen=True)
class Mail:
    """`id` counts from 1 in the order of sending; `at` is ISO 8601 in UTC; text or html may be ""."""

    id: int
    message_id: str
    at: str
    sender: str
    to: list[str]
    subject: str
    text: str
    html: str


class Mailbox:
    def __init__(self, app: App) -> None:
        self.app = app
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._deleted: set[int] = set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if operation(environ).service not in {"ses", "sesv2"}:
            return self.app(environ, start_response)
        try:
            return self.app(environ, start_response)
        finally:
            self._collect()

    def _collect(self) -> None:
        with self._lock:
            sent = ses_backends[ACCOUNT][REGION].sent_messages
            if len(sent) < len(self._mails):
                self._mails.clear()  # moto was reset
                self._deleted.clear()
            for message in sent[len(self._mails) :]:
                self._mails.append(parse(len(self._mails) + 1, message, datetime.now(UTC)))

    def mails(self, to: str = "") -> list[Mail]:
        """Newest first; those to one address, if given."""
        self._collect()
        with self._lock:
            kept = [mail for mail in reversed(self._mails) if mail.id not in self._deleted]
        return [mail for mail in kept if not to or to.lower() in mail.to]

    def mail(self, number: int) -> Mail | None:
        return next((mail for mail in self.mails() if mail.id == number), None)

    def delete(self, number: int) -> None:
        with self._lock:
            self._deleted.add(number)


def parse(number: int, message: Any, at: datetime) -> Mail:
    stamp = at.isoformat(timespec="milliseconds")
    if isinstance(message, RawMessage):
        parsed = email.message_from_bytes(message.raw_data.encode(), policy=email.policy.default)
        return Mail(
            number,
            message.id,
            stamp,
            str(parsed["From"] or message.source or ""),
            _addresses(message.destinations),
            str(parsed["Subject"] or ""),
            _part(parsed, "plain"),
            _part(parsed, "html"),
        )
    subject, body, to = "", "", []
    if isinstance(message, Message):  # SES's simple form, of which moto keeps one body
        subject, body = message.subject, message.body
        to = [address for kind in message.destinations.values() for address in kind]
    return Mail(number, message.id, stamp, str(message.source), _addresses(to), subject, body, "")


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if part is not None else ""


def _addresses(raw: list[str]) -> list[str]:
    """Bare addresses in lower case, each once: moto lists the envelope's and the header's."""
    return list(dict.fromkeys(address.lower() for _, address in getaddresses(raw) if address))
