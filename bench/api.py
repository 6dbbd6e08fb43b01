"""Measure the API's list of jobs under the load of many programs: `python -m bench.api [--tokens 100] [--rate 10]`.

Starts PostgreSQL (SQLite where it is not installed) and as many web processes as there are cores, with a person and
30 jobs for each token. Each token sends requests at a steady rate, whether earlier ones were answered or not, and a
latency counts from when the request was due: a server that falls behind does not slow the clients down. The clients
run on the same cores. Processor time is that of the web processes alone.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devstack.processes.ports import free_port
from tests.support import postgres

ROOT = Path(__file__).resolve().parents[1]
#: The bar: 95 % of the answers come within this many seconds.
P95_SECONDS = 0.1
SEED = """
import json, sys
from datetime import timedelta
import django; django.setup()
from gas.api import tokens
from gas.jobs.models import Job
from gas.users.models import User
made = []
for number in range(int(sys.argv[1])):
    user = User.objects.create(email=f"bench-{number}@lab.example")
    Job.objects.bulk_create(
        Job(owner=user, name=f"{n}.vcf", reference="rCRS", status="CANCELLED", input_etag="x") for n in range(30)
    )
    made.append(tokens.make(user, name="bench", scopes=["jobs:read"], lifetime=timedelta(days=1))[1])
print(json.dumps(made))
"""


@contextmanager
def service(tokens: int, processes: int) -> Iterator[tuple[list[int], list[int], list[str]]]:
    """Start the service. Yields the ports of its web processes, their ids, and the tokens."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(postgres.cluster()) if postgres.find() else f"sqlite:///{folder / 'bench.sqlite3'}"
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "gas.settings",
            "DATABASE_URL": url,
            "SECRET_KEY": "for a measurement only",
            "SITE_URL": "http://127.0.0.1",
            "SQS_QUEUE_URL_BASE": "http://127.0.0.1:9/",
            "DEVSTACK": "1",
            "LOG_LEVEL": "ERROR",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=env, check=True)
        seed = [sys.executable, "-c", SEED, str(tokens)]
        made = subprocess.run(seed, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout
        ports, pids = [free_port() for _ in range(processes)], []
        for port in ports:
            command = [sys.executable, "-m", "gas.server", "--listen", f"127.0.0.1:{port}", "--threads", "4"]
            web = subprocess.Popen(command, cwd=ROOT, env=env)
            pids.append(web.pid)
            stack.callback(web.wait)
            stack.callback(web.terminate)
        yield ports, pids, json.loads(made)


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time that some processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


async def answers(port: int) -> None:
    """Wait until a web process answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


class Program:
    """One token's requests over connections that are kept, one for each request that is under way."""

    def __init__(self, port: int, token: str, *, conditional: bool) -> None:
        self.port, self.token, self.conditional = port, token, conditional
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self._etag = b""
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def run(self, rate: float, seconds: float, offset: float) -> None:
        """Send requests at a steady rate."""
        begin = time.monotonic() + offset
        sent = []
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent.append(asyncio.create_task(self._send(due)))
        await asyncio.gather(*sent)
        for _, writer in self._free:
            writer.close()

    async def _send(self, due: float) -> None:
        kept = self._free.pop() if self._free else None
        try:
            status = await self._exchange(kept)
        except (asyncio.IncompleteReadError, ConnectionError):
            if kept is None:
                raise
            status = await self._exchange(None)  # the server had closed the kept connection
        self.latencies.append(time.monotonic() - due)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    async def _exchange(self, kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> int:
        """Send the request and read the answer. Return its status."""
        reader, writer = kept or await asyncio.open_connection("127.0.0.1", self.port)
        condition = b"If-None-Match: " + self._etag + b"\r\n" if self.conditional and self._etag else b""
        token = self.token.encode()
        lines = (b"GET /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ", token, b"\r\n", condition)
        writer.write(b"".join(lines) + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        await reader.readexactly(int(headers.get(b"content-length", b"0")))
        self._etag = headers.get(b"etag", b"")
        self._free.append((reader, writer))
        return int(head.split(b" ", 2)[1])


async def load(ports: list[int], tokens: list[str], rate: float, seconds: float, *, conditional: bool) -> list[Program]:
    """Send the requests of all tokens."""
    await asyncio.gather(*map(answers, ports))
    programs = [Program(ports[n % len(ports)], token, conditional=conditional) for n, token in enumerate(tokens)]
    await asyncio.gather(*(one.run(1, 2, 0.01 * n) for n, one in enumerate(programs)))  # to warm up
    for one in programs:
        one.latencies.clear()
        one.statuses.clear()
        one._free.clear()  # noqa: SLF001
    await asyncio.gather(*(one.run(rate, seconds, n / len(programs) / rate) for n, one in enumerate(programs)))
    return programs


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.api", description=__doc__)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10, help="requests of a token in a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2, help="of the web server")
    asked = parser.parse_args()
    table = Table(title=f"{asked.tokens} tokens, {asked.rate:g} requests a second of each, {asked.seconds:g} s")
    for column in (
        "request",
        "sent",
        "answered a second",
        "p50, ms",
        "p95, ms",
        "p99, ms",
        "cpu, ms",
        "statuses",
        "load",
    ):
        table.add_column(column)
    holds = True
    with service(asked.tokens, asked.processes) as (ports, pids, tokens):
        for name, conditional in (("list of 25 jobs", False), ("unchanged since the ETag", True)):
            before, begin, used = os.getloadavg()[0], time.monotonic(), cpu_seconds(pids)
            programs = asyncio.run(load(ports, tokens, asked.rate, asked.seconds, conditional=conditional))
            took = time.monotonic() - begin - 3  # without the warm-up
            found = sorted(latency for one in programs for latency in one.latencies)
            cuts = statistics.quantiles(found, n=100)
            statuses: dict[int, int] = {}
            for one in programs:
                for status, count in one.statuses.items():
                    statuses[status] = statuses.get(status, 0) + count
            row = [name, str(len(found)), f"{len(found) / took:.0f}"]
            row += [f"{cuts[place] * 1000:.0f}" for place in (49, 94, 98)]
            row.append(f"{(cpu_seconds(pids) - used) * 1000 / (len(found) + 2 * asked.tokens):.1f}")  # with the warm-up
            table.add_row(*row, str(statuses), f"{before:.1f}")
            holds = holds and cuts[94] <= P95_SECONDS and set(statuses) <= {200, 304}
    Console(width=120).print(table)
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
