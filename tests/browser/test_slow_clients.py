"""Promise: 200 slow clients hold up nobody: pages answer within a second, and a person's work goes on."""

import socket
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from devstack.stack import ROOT, Stack
from tests.support.slow_clients import BODY, HEADERS, slow_clients, unread
from tests.support.visitors import LONG, sign_up, upload_sample

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]

CLIENTS = 200


def largest_file() -> str:
    """The address of the largest file of the front end."""
    static = ROOT / "gas" / "static"
    found = max(static.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    return f"/static/{found.relative_to(static)}"


def slowest_answer(stack: Stack) -> float:
    """Seconds that the slowest of 20 requests took."""
    times = []
    for path in ("/healthz/", "/", "/accounts/login/", "/accounts/signup/") * 5:
        began = time.monotonic()
        assert requests.get(f"{stack.web_url}{path}", timeout=10).ok
        times.append(time.monotonic() - began)
    return max(times)


def are_open(clients: list[socket.socket]) -> int:
    """How many connections the server has not closed."""
    count = 0
    for client in clients:
        client.setblocking(False)
        try:
            count += bool(client.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            count += 1
        except OSError:
            continue
    return count


@pytest.mark.parametrize("kind", ["headers", "body", "unread"])
def test_pages_answer_within_a_second_for_all_of_one_kind(stack: Stack, kind: str) -> None:
    opening = {"headers": HEADERS, "body": BODY, "unread": unread(largest_file())}[kind]
    with slow_clients(stack.web_port, opening, count=CLIENTS) as clients:
        best = min(slowest_answer(stack) for _ in range(3))
        assert are_open(clients) == CLIENTS
    assert best < 1


def test_a_person_signs_up_and_gets_a_result_meanwhile(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    openings = (HEADERS, BODY, unread(largest_file()))
    with slow_clients(stack.web_port, *openings, count=CLIENTS):
        sign_up(desktop, stack, "unhurried@lab.example")
        upload_sample(desktop, stack, tmp_path / "meanwhile.vcf", records=50)
        expect(desktop.get_by_text("Completed", exact=True).first).to_be_visible(timeout=LONG)
        assert min(slowest_answer(stack) for _ in range(3)) < 1
