"""Promise: webhooks reach the public internet, and nothing else unless the operator allows it."""

import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from gas.jobs.models import Job
from gas.users.models import User
from gas.webhooks import endpoints, sending
from gas.webhooks.endpoints import EndpointRefused
from gas.webhooks.models import Delivery, Endpoint
from tests.support.receiver import Receiver

Names = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The world's name servers: addresses of each name; of several, one at each question."""
    known: Names = {"lab.example": ["93.184.215.14"]}
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            return ask(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
        answers = known[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return ask(address, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def refusal(url: str) -> str:
    with pytest.raises(sending.AddressRefused) as refused:
        sending.checked(url)
    return str(refused.value)


PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[64:ff9b::a9fe:a9fe]",
    "[::127.0.0.1]",
    "[::a9fe:a9fe]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:0:a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "224.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_address_that_is_not_public_is_refused(host: str, scheme: str, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    assert refusal(f"{scheme}://{host}/hook") == sending.NOT_PUBLIC
    answer = sending.post(f"{scheme}://{host}/hook", "{}", {})
    assert (answer.status, answer.error) == (None, sending.NOT_PUBLIC)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://lab.example/", "https"),
        ("ftp://lab.example/", "https"),
        ("javascript:alert(1)", "https"),
        ("file:///etc/passwd", "https"),
        ("lab.example/hook", "not a web address"),
        ("", "not a web address"),
        ("https://", "not a web address"),
        ("https://lab.example:99999/", "not a web address"),
        ("https://user:pass@lab.example/", "user name"),
        ("https://lab.example/#part", "#"),
        ("https://lab.example:25/", "port"),
        ("https://lab.example/" + "x" * 500, "500 characters"),
        ("https://nowhere.example/", "cannot be resolved"),
        ("https://" + "x" * 70 + ".example/", "cannot be resolved"),
    ],
)
def test_what_is_no_address_of_a_program_is_refused_in_words(url: str, words: str, names: Names) -> None:
    assert words in refusal(url)


def test_a_public_address_is_accepted_as_it_will_be_asked(names: Names) -> None:
    assert sending.checked(" https://LAB.example/hook?token=a b ") == "https://lab.example/hook?token=a%20b"
    assert sending.checked("https://lab.example:8443/hook")
    # Parsers differ about whose host this is: what is checked, saved and asked is one text.
    assert sending.checked(r"https://lab.example\@127.0.0.1/") == "https://lab.example/%5C@127.0.0.1/"


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert refusal("https://lab.example/") == sending.NOT_PUBLIC


def test_a_name_that_leads_to_a_private_address_after_it_was_saved_is_not_asked(
    names: Names,
    receiver: Receiver,
    person: User,
    running: Callable[[], Job],
    ends: Callable[[Job], None],
    settings: Any,
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    port = receiver.url.split(":")[-1]
    endpoint, _ = endpoints.create(person, f"http://lab.example:{port}", ["job.completed"])
    names["lab.example"] = ["127.0.0.1"]
    ends(running())
    assert Delivery.objects.get(endpoint=endpoint).attempts.get().error == sending.NOT_PUBLIC
    assert not receiver.requests


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(names: Names, receiver: Receiver) -> None:
    """A name server that answers 127.0.0.1, which is allowed here, and then another address, gains nothing."""
    names["lab.example"] = ["127.0.0.1", "127.0.0.2"]
    port = receiver.url.split(":")[-1]
    answer = sending.post(f"http://lab.example:{port}", "{}", {})
    assert answer.error == ""
    assert len(receiver.requests) == 1
    assert names["lab.example"] == ["127.0.0.2"]
    names["lab.example"] = ["127.0.0.2"]
    assert sending.post(f"http://lab.example:{port}", "{}", {}).error == sending.NOT_PUBLIC


def test_what_the_operator_allows_is_that_and_no_more(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("10.1.0.0/16")]
    assert sending.checked("https://10.1.2.3/") == "https://10.1.2.3/"
    assert refusal("https://10.2.0.1/") == sending.NOT_PUBLIC
    assert "https" in refusal("http://10.1.2.3/")


def test_neither_a_proxy_nor_a_password_of_the_machine_is_used(
    receiver: Receiver, another: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A proxy would look up the name by itself, and a password would reach a person's program."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login service password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", another.url)
    monkeypatch.setenv("no_proxy", "")
    assert sending.post(receiver.url, "{}", {}).error == ""
    ((headers, _),) = receiver.requests
    assert "authorization" not in headers
    assert "x-forwarded-for" not in headers
    assert not another.requests


@pytest.mark.django_db
def test_a_refused_address_is_never_saved(person: User, names: Names) -> None:
    endpoint, _ = endpoints.create(person, "https://lab.example/", ["job.completed"])
    for act in (
        lambda: endpoints.create(person, "https://127.0.0.1/", ["job.completed"]),
        lambda: endpoints.change(endpoint, "https://169.254.169.254/latest/", ["job.completed"]),
    ):
        with pytest.raises(EndpointRefused) as refused:
            act()
        assert refused.value.code == "address"
    assert list(Endpoint.objects.values_list("url", flat=True)) == ["https://lab.example/"]
