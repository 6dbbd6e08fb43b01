"""Celery on SQS: the repair, the delay rule, and delivery, with real workers on moto's SQS server."""

import base64
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import celeryconfig
from gas.aws.broker import MAX_DELAY_SECONDS, SQSCelery, predefined_queues, seconds_from_now
from gas.aws.messages import BadMessage, check_message
from tests.support.processes import EmbeddedAWS, embedded_aws, kill_group, worker
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service("broker", seconds=60)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
APP = "tests.support.ledger_app"
#: Shorter than the countdowns below: a message that a worker took and held would come again.
VISIBILITY = 2


@pytest.mark.parametrize(
    ("countdown", "eta", "seconds"),
    [
        (None, None, 0),
        (5, None, 5),
        (-5, None, 0),
        (None, NOW + timedelta(seconds=7), 7),
        (None, NOW - timedelta(seconds=7), 0),
        (None, "2026-01-01T00:00:09+00:00", 9),
        (None, "2026-01-01T00:00:09", 9),
        (900, None, MAX_DELAY_SECONDS),
    ],
)
def test_a_countdown_and_an_eta_are_one_delay(
    countdown: float | None, eta: datetime | str | None, seconds: float
) -> None:
    assert seconds_from_now(countdown, eta, NOW) == seconds


def test_a_delay_that_sqs_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="900 s at most, not 901"):
        SQSCelery("long").send_task("some.task", countdown=901)


def test_workers_are_given_the_queues_and_make_none() -> None:
    queues = predefined_queues("https://sqs.example/1/", ["gas-annotate"])
    assert queues == {"gas-annotate": {"url": "https://sqs.example/1/gas-annotate"}}
    assert set(celeryconfig.broker_transport_options["predefined_queues"]) == {
        "gas-annotate",
        "gas-archive",
        "gas-restore",
        "gas-webhooks",
        "gas-default",
    }


def test_no_task_may_outlive_the_time_that_sqs_hides_its_message() -> None:
    visibility = celeryconfig.broker_transport_options["visibility_timeout"]
    assert celeryconfig.task_soft_time_limit < celeryconfig.task_time_limit < visibility


def test_delivery_is_at_least_once_and_json_only() -> None:
    assert celeryconfig.task_acks_late
    assert celeryconfig.task_reject_on_worker_lost
    assert not celeryconfig.task_acks_on_failure
    assert not celeryconfig.task_acks_on_timeout
    assert celeryconfig.worker_prefetch_multiplier == 1
    assert celeryconfig.accept_content == ["json"]
    assert not celeryconfig.worker_enable_remote_control


# --- Real workers. One AWS for the module; every test has a ledger of its own.


@pytest.fixture(scope="module")
def sqs() -> Iterator[EmbeddedAWS]:
    with embedded_aws(visibility_timeout=VISIBILITY) as aws:
        yield aws


class Bench:
    """A ledger, and the environment in which senders and workers meet."""

    def __init__(self, aws: EmbeddedAWS, folder: Path) -> None:
        self.aws, self.log, self._ledger = aws, folder / "worker.log", folder / "ledger"
        self.env = {**aws.environment(folder, SQS_WAIT_SECONDS="1"), "LEDGER": str(self._ledger)}

    def send(self, code: str) -> None:
        """Run a line in a process of its own that has the app's tasks, as a web server would send."""
        program = f"from {APP} import *\nfrom celery import chain\n{code}"
        subprocess.run([sys.executable, "-c", program], env=self.env, check=True, timeout=60)

    def lines(self) -> list[tuple[float, str]]:
        """(when, what) for every line that a task has written."""
        if not self._ledger.exists():
            return []
        rows = (line.split(" ", 1) for line in self._ledger.read_text().splitlines())
        return [(float(when), what) for when, what in rows]

    def texts(self) -> list[str]:
        return [what for _, what in self.lines()]

    def at_rest(self) -> bool:
        return not any(self.aws.queue("gas-default").values())


@pytest.fixture
def bench(sqs: EmbeddedAWS, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(sqs, tmp_path)
    yield bench
    sqs.faults()
    sqs.fresh_queues()


def message(changes: dict[str, Any]) -> str:
    """A message as Celery sends it, with `changes` by path, such as "headers.eta"; None removes the field."""
    args = changes.pop("args", ["bad"])
    body = changes.pop("body", [args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    content: dict[str, Any] = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": f"{APP}.note",
            "id": str(uuid.uuid4()),
            "retries": 0,
            "timelimit": [None, None],
            "eta": None,
            "expires": None,
        },
        "properties": {
            "correlation_id": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "gas-default"},
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    for path, value in changes.items():
        *folders, name = path.split(".")
        place = content
        for folder in folders:
            place = place[folder]
        if value is REMOVED:
            del place[name]
        else:
            place[name] = value
    return json.dumps(content)


REMOVED = object()
LATER = "2099-01-01T00:00:00+00:00"
#: Messages that cannot be run. Most of them end a worker of Celery 5.7 that does not look.
MALFORMED: dict[str, dict[str, Any]] = {
    "timelimit is a number": {"headers.timelimit": 5},
    "timelimit is a text": {"headers.timelimit": "soon"},
    "timelimit of texts": {"headers.timelimit": ["1", "2"]},
    "timelimit of one": {"headers.timelimit": [1]},
    "timelimit is endless": {"headers.timelimit": [float("inf"), None]},
    "eta is no date": {"headers.eta": "tomorrow"},
    "eta is a number": {"headers.eta": 7},
    "eta far ahead": {"headers.eta": LATER},
    "expires is no date": {"headers.expires": "never"},
    "expires is a list": {"headers.expires": []},
    "retries is a text": {"headers.retries": "many"},
    "retries is huge": {"headers.retries": 10**30},
    "no id": {"headers.id": REMOVED},
    "id is a list": {"headers.id": []},
    "id is huge": {"headers.id": "x" * 10_000},
    "no task": {"headers.task": REMOVED},
    "task is an object": {"headers.task": {}},
    "shadow is a list": {"headers.shadow": [1]},
    "headers is a list": {"headers": []},
    "no headers": {"headers": REMOVED},
    "compression is unknown": {"headers.compression": "application/x-none"},
    "stamps is a text": {"headers.stamps": "x", "headers.stamped_headers": "y"},
    "properties is a list": {"properties": []},
    "delivery_info is a text": {"properties.delivery_info": "x"},
    "routing_key is a number": {"properties.delivery_info": {"routing_key": 5}},
    "body_encoding is unknown": {"properties.body_encoding": "rot13"},
    "correlation_id is a list": {"properties.correlation_id": []},
    "content type is pickle": {"content-type": "application/x-python-serialize"},
    "content encoding is unknown": {"content-encoding": "none-such"},
    "body is an object": {"body": {"args": []}},
    "body has four parts": {"body": [[], {}, {}, {}]},
    "arguments are a text": {"body": ["x", {}, {}]},
    "callbacks are a text": {"body": [["bad"], {}, {"callbacks": "x"}]},
    "chain is a number": {"body": [["bad"], {}, {"chain": 5}]},
}
NOT_MESSAGES = {
    "text": "hello",
    "empty object": "{}",
    "list": "[1, 2]",
    "half of one": '{"body": "',
    "deep": "[" * 100_000,
    "long number": '{"properties": ' + "9" * 5_000 + "}",
    "huge": "x" * 250_000,
}


@pytest.mark.parametrize("text", [message(dict(change)) for change in MALFORMED.values()], ids=MALFORMED)
def test_a_malformed_message_is_told_from_others(text: str) -> None:
    with pytest.raises(BadMessage):
        check_message(json.loads(text))


@pytest.mark.parametrize(
    "change",
    [{}, {"headers.timelimit": [9.5, 5]}, {"headers.expires": LATER}, {"headers.traceparent": ["new"]}, {"more": 1}],
    ids=str,
)
def test_what_celery_or_a_later_release_sends_is_let_through(change: dict[str, Any]) -> None:
    check_message(json.loads(message(dict(change))))


@pytest.mark.workers
def test_no_message_ends_a_worker_and_each_bad_one_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    """One worker gets them all, and does what comes after them."""
    unknown = {"headers.task": "no.such.task"}
    wrong = {"args": ["bad", "one too many"]}
    texts = [message(dict(change)) for change in (*MALFORMED.values(), unknown, wrong)] + list(NOT_MESSAGES.values())
    with worker(APP, bench.env, bench.log) as process:
        bench.send("note.delay('before')")
        wait_until(lambda: bench.texts() == ["before"])
        for text in texts:
            bench.aws.put("gas-default", text)
        bench.send("note.delay('after')")
        wait_until(lambda: bench.texts() == ["before", "after"], seconds=60)
        wait_until(lambda: bench.aws.queue("gas-default-dead")["visible"] == len(texts), seconds=120)
        assert process.poll() is None
        bench.send("note.delay('last')")
        wait_until(lambda: bench.texts() == ["before", "after", "last"])
    log = bench.log.read_text()
    assert "cannot be run: headers: timelimit is 5" in log


@pytest.mark.workers
@pytest.mark.parametrize("mode", ["answer", "drop"])
def test_a_worker_survives_a_broker_that_fails(bench: Bench, mode: str) -> None:
    """ReceiveMessage answers 503, or nothing at all, several times: the same worker then does the next task."""
    with worker(APP, bench.env, bench.log) as process:
        bench.send("note.delay('before')")
        wait_until(lambda: bench.texts() == ["before"])
        bench.aws.faults({"service": "sqs", "action": "ReceiveMessage", "rate": 1, "status": 503, "mode": mode})
        wait_until(lambda: bench.aws.hits() >= 4, what="failed receives")
        assert process.poll() is None, bench.log.read_text()[-2000:]
        bench.aws.faults()
        bench.send("note.delay('after')")
        wait_until(lambda: bench.texts() == ["before", "after"])


@pytest.mark.workers
@pytest.mark.parametrize(
    "send",
    [
        "note.apply_async(('late',), countdown=4)",
        "note.apply_async(('late',), eta=app.now() + __import__('datetime').timedelta(seconds=4))",
        "app.send_task(note.name, ('late',), countdown=4)",
        "chain(note.si('first'), note.si('late').set(countdown=4)).delay()",
        "note_at_second_try.delay('late', 4)",
    ],
    ids=["countdown", "eta", "by name", "in a chain", "retry"],
)
def test_a_delay_waits_in_sqs_and_runs_once(bench: Bench, send: str) -> None:
    """The worker is killed while the message waits; it runs once, on the next worker, and not early."""
    with worker(APP, bench.env, bench.log) as first:
        bench.send(send)
        wait_until(lambda: bench.aws.queue("gas-default") == {"visible": 0, "delayed": 1, "in flight": 0})
        kill_group(first)
    before = bench.lines()
    with worker(APP, bench.env, bench.log):
        wait_until(lambda: len(bench.lines()) == len(before) + 1)
        wait_until(bench.at_rest)
    assert len(bench.lines()) == len(before) + 1
    if before:
        assert bench.lines()[-1][0] - before[-1][0] > 3


@pytest.mark.workers
def test_a_message_whose_process_was_killed_comes_again(bench: Bench) -> None:
    with worker(APP, bench.env, bench.log) as process:
        bench.send("kill_the_worker.delay()")
        wait_until(lambda: len(bench.lines()) >= 2)
        assert process.poll() is None


@pytest.mark.workers
def test_a_task_that_always_fails_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    with worker(APP, bench.env, bench.log):
        bench.send("fail.delay()")
        wait_until(lambda: bench.aws.queue("gas-default-dead")["visible"] == 1, seconds=60)
        assert bench.texts() == ["failed"] * 5
