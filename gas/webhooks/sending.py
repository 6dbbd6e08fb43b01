"""One HTTP request to an endpoint, to addresses of the public internet only.

AntiSSRF resolves the host once for each connection, refuses it if any of its addresses is private, loopback,
link-local, a cloud's metadata service or reserved, and connects to the very address that it checked, so that a name
that changes in between gains nothing. IPv6 addresses that carry an IPv4 address are refused, too. Redirects are not
followed. WEBHOOK_ALLOWED_NETWORKS are exceptions.
"""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, PolicyConfigOptions
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from urllib3.exceptions import HTTPError

from annotator import bounds
from gas.webhooks.models import URL_CHARACTERS

CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
#: A receiver that sends its answer byte by byte is cut off by the task's limit.
WHOLE_SECONDS = 60
ANSWER_BYTES = 1024
USER_AGENT = "GAS-Webhooks/1"
#: Ports other than 80 and 443 must be at least this: those below belong to other protocols, such as mail.
FIRST_FREE_PORT = 1024

#: In addition to those of AntiSSRF: IPv4-compatible (RFC 4291) and IPv4-translated addresses (RFC 2765).
DENIED = ["::/96", "::ffff:0:0:0/96"]

NOT_PUBLIC = "The host has an address that webhooks must not reach. Use a host on the public internet."
UNKNOWN_HOST = "The host name cannot be resolved. Check the address."


class AddressRefused(Exception):
    """No request may go to this address; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        status: HTTP status; None if there was no answer.
        error: why the attempt failed, in a sentence; "" if it did not.
        seconds: how long it took.
        text: the beginning of the answer's body.
    """

    status: int | None
    error: str
    seconds: float
    text: str = ""


def checked(url: str) -> str:
    """Return the address as it will be asked.

    Raises:
        AddressRefused: it is no address of a web server, or not on the public internet.
    """
    try:
        prepared = requests.Request("POST", url.strip()).prepare()
        parts = urlsplit(prepared.url or "")
        port = parts.port
    except (requests.RequestException, ValueError) as error:
        raise AddressRefused("This is not a web address.") from error
    schemes = {"https", "http"} if settings.WEBHOOK_ALLOW_HTTP else {"https"}
    if parts.scheme not in schemes:
        raise AddressRefused("The address must begin with https://.")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise AddressRefused("The address must have a host name, and neither a user name nor a part after #.")
    if port is not None and port not in {80, 443} and port < FIRST_FREE_PORT:
        raise AddressRefused(f"The port must be 443, 80, or at least {FIRST_FREE_PORT}.")
    address = str(prepared.url)
    if len(address) > URL_CHARACTERS:
        raise AddressRefused(f"The address must have at most {URL_CHARACTERS} characters.")
    with _session() as session:
        adapter = session.get_adapter(address)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)  # noqa: S101  (the session mounts no other)
        try:
            adapter.build_connection_pool_key_attributes(prepared, verify=True)  # resolves and checks; no connection
        except AntiSSRFError as error:
            raise AddressRefused(NOT_PUBLIC) from error
        except (OSError, UnicodeError) as error:
            raise AddressRefused(UNKNOWN_HOST) from error
    return address


def post(url: str, body: str, headers: dict[str, str]) -> Answer:
    """Send the body as JSON, and read the beginning of the answer. Never raises for what the receiver does."""
    began = time.monotonic()
    status, text = None, ""
    try:
        with (
            _session() as session,
            session.post(
                url,
                data=body.encode(),
                headers={**headers, "Content-Type": "application/json"},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            status = response.status_code
            text = _beginning(response)
        error = _refusal(status)
    except (AntiSSRFError, OSError, HTTPError, UnicodeError, SoftTimeLimitExceeded) as raised:
        error = _refusal(status) if status is not None else _reason(raised)
    return Answer(status, error, time.monotonic() - began, text)


def _session() -> requests.Session:
    policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
    policy.add_denied_addresses(DENIED)
    policy.add_xff_header = False
    policy.allow_plain_text_http = settings.WEBHOOK_ALLOW_HTTP
    if settings.WEBHOOK_ALLOWED_NETWORKS:
        policy.add_allowed_addresses([str(network) for network in settings.WEBHOOK_ALLOWED_NETWORKS])
    session: requests.Session = policy.get_antissrf_session()
    session.trust_env = False  # neither a proxy, which would resolve the host again, nor passwords of ~/.netrc
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    return session


def _beginning(response: requests.Response) -> str:
    """Return what has arrived of the body, as one printable text; the rest is never read."""
    raw = response.raw.read1(ANSWER_BYTES, decode_content=False)
    return bounds.printable(" ".join(raw.decode(errors="replace").split()))


def _refusal(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The receiver answered {status}. Redirects are not followed: change the address of the endpoint."
    return f"The receiver answered {status}."


def _reason(error: Exception) -> str:
    """Return the reason in words, without addresses of hosts, which an exception's own text may have."""
    if isinstance(error, AntiSSRFError):
        return NOT_PUBLIC
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (requests.ConnectTimeout, f"No connection within {CONNECT_SECONDS:.0f} s."),
        (requests.Timeout, f"No answer within {READ_SECONDS:.0f} s."),
        (SoftTimeLimitExceeded, f"No complete answer within {WHOLE_SECONDS} s."),
        (requests.exceptions.SSLError, "The TLS certificate of the host is not valid."),
        (requests.ConnectionError, "No connection, or one that ended without an answer."),
        (requests.RequestException, "The answer was not valid HTTP."),
        (OSError, UNKNOWN_HOST),
        (UnicodeError, UNKNOWN_HOST),
    )
    return next((text for kind, text in reasons if isinstance(error, kind)), "The request could not be sent.")
