"""Real processes: the embedded AWS, and workers on it. Each ends with the block that started it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from devstack.aws.provision import client, provision
from devstack.processes.environment import Accounts, build_environment

WEB = "http://127.0.0.1:8000"

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class EmbeddedAWS:
    """A running devstack.aws with the service's buckets and queues."""

    port: int
    visibility_timeout: int

    def fresh_queues(self) -> None:
        """Create the queues again, empty."""
        sqs = client("sqs", self.url)
        for url in sqs.list_queues().get("QueueUrls", []):
            sqs.delete_queue(QueueUrl=url)
        provision(self.url, web_origin="http://127.0.0.1:1", visibility_timeout=self.visibility_timeout)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Replace all fault rules; with none, everything works again."""
        requests.post(f"{self.url}/_devstack/faults", json={"rules": list(rules)}, timeout=10).raise_for_status()

    def hits(self) -> int:
        """How many calls have failed by the present rules."""
        state = requests.get(f"{self.url}/_devstack/faults", timeout=10).json()
        return sum(rule["hits"] for rule in state["rules"])

    def queue(self, name: str) -> dict[str, int]:
        """Messages in a queue: visible, delayed, in flight."""
        sqs = client("sqs", self.url)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return {
            "visible": int(attributes["ApproximateNumberOfMessages"]),
            "delayed": int(attributes["ApproximateNumberOfMessagesDelayed"]),
            "in flight": int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        }

    def put(self, queue: str, body: str) -> None:
        """Send a message that nothing has checked."""
        sqs = client("sqs", self.url)
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body)

    def environment(self, data: Path, **settings: str) -> dict[str, str]:
        """For a process of the service on this AWS."""
        return build_environment(data, web_port=1, aws_port=self.port, accounts=Accounts(), overrides=settings)


@contextmanager
def embedded_aws(*, visibility_timeout: int = 60) -> Iterator[EmbeddedAWS]:
    command = [sys.executable, "-m", "devstack.aws"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            aws = EmbeddedAWS(int(process.stdout.readline().rpartition(":")[2]), visibility_timeout)
            aws.fresh_queues()
            yield aws
        finally:
            process.kill()


@contextmanager
def worker(app: str, env: Mapping[str, str], log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker, from when it starts to consume. `log` is written to, and shown when it does not start."""
    command: Sequence[str] = [sys.executable, "-m", "celery", "-A", app, "worker", "-c", "1", "-l", "INFO", *options]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, cwd=ROOT, env=dict(env), stdout=output, stderr=output, process_group=0) as process,
    ):
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for a worker and its children: as if its machine had gone."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def descendants(pid: int) -> set[int]:
    found = {pid}
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def gone(pids: set[int]) -> bool:
    return not any(runs(pid) for pid in pids)


def runs(pid: int) -> bool:
    """A zombie, which only waits for its parent to read its exit status, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False
