"""The whole service on one machine: embedded AWS and Stripe, web server, workers, beat, started and stopped as one.

with Stack(Path("var/devstack")) as stack:
    print(stack.web_url)

One module because `Stack` is the one object that scenarios, benchmarks and tests drive.
"""

import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from devstack.aws.provision import ARCHIVE_PREFIX, QUEUES, VAULT, client, provision
from devstack.processes import commands
from devstack.processes.data_dir import DataDir
from devstack.processes.environment import DATABASE, Accounts, build_environment
from devstack.processes.manage import write_environment
from devstack.processes.ports import free_port
from devstack.processes.supervisor import NotReady, Program, Supervisor
from devstack.stripe.client import Control

ROOT = Path(__file__).resolve().parent.parent
_FIRST, _SECOND = 0, 1  # tiers: the second stops first
#: Programs that keep all their state in memory, and what their end means.
_FORGETFUL = {
    "aws": "The embedded AWS has ended, and all files, messages and mail with it",
    "stripe": "The embedded Stripe has ended, and all customers and subscriptions with it",
}


@dataclass(frozen=True)
class Worker:
    name: str
    queues: Sequence[str] = QUEUES
    concurrency: int = 2


class Stack:
    """Started by `start` or as a context manager.

    Args:
        data_dir: made, or emptied if a stack made it.
        port: of the web server; another is taken if it is not free, any if 0.
        workers: how many that consume all queues, or which.
        env: settings that differ from the stack's own, as environment variables.
        database: an SQLite file to start from, whose migrations have run; an empty database if None.
        say: told what happens, in sentences.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        workers: int | Sequence[Worker] = 1,
        env: Mapping[str, str] | None = None,
        database: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.accounts = Accounts()
        self.data = DataDir(data_dir)
        self.workers = (
            [Worker(f"worker-{number}") for number in range(1, workers + 1)]
            if isinstance(workers, int)
            else list(workers)
        )
        self._say, self._database = say, database
        self._wanted_port, self._overrides = port, dict(env or {})
        self._supervisor = Supervisor(self._exited)
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._stopped.set()
        self._up = threading.Event()
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self.error: NotReady | None = None
        #: How often the stack has been started from nothing.
        self.generation = 0

    # --- Life

    def start(self) -> Self:
        """Returns when everything is ready.

        Raises:
            NotOurs: the data folder is not the stack's.
            NotReady: a process ended or took too long.
        """
        self.data.claim()
        self.web_port, self.aws_port, self.stripe_port = free_port(self._wanted_port), free_port(), free_port()
        self.env = build_environment(
            self.data.path,
            web_port=self.web_port,
            aws_port=self.aws_port,
            stripe_port=self.stripe_port,
            accounts=self.accounts,
            overrides=self._overrides,
        )
        self._stopped.clear()
        self._sockets = tempfile.TemporaryDirectory(prefix="gas-")  # a socket's path is at most 107 bytes long
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_all(self) -> None:
        self.generation += 1
        self._up.clear()
        supervisor = self._supervisor = Supervisor(self._exited)
        (self.data.path / "work").mkdir()
        write_environment(self.data.path, self.env)
        aws = self._program("aws", "-m", "devstack.aws", "--port", str(self.aws_port), ready=self._aws_answers)
        supervisor.start(aws)
        if self.has_stripe:
            supervisor.start(self._stripe())
            supervisor.wait_ready("stripe")
        # The database needs nothing of AWS: both at the same time.
        if self._database is not None:
            shutil.copyfile(self._database, self.data.path / DATABASE)
        supervisor.start(self._commands())
        supervisor.wait_ready("commands")
        self.manage("devstack_prepare")
        supervisor.wait_ready("aws")
        provision(
            self.aws_url,
            web_origin=self.web_url,
            inputs_bucket=self.env.get("S3_INPUTS_BUCKET", "gas-inputs"),
            results_bucket=self.env.get("S3_RESULTS_BUCKET", "gas-results"),
            sender=self.env["DEFAULT_FROM_EMAIL"],
            visibility_timeout=int(int(self.env.get("ANNOTATE_HARD_LIMIT_SECONDS", "1800")) * 1.1),
        )
        supervisor.start(self._web(), *map(self._worker, self.workers), self._beat())
        supervisor.wait_ready()
        self._up.set()

    def stop(self) -> None:
        """Stop everything. The data folder stays until the next start."""
        self._stopped.set()
        self._supervisor.stop()  # before the lock: a new start that is under way ends with it
        with self._lock:
            self._supervisor.stop()
            self.data.release()
            if self._sockets is not None:
                self._sockets.cleanup()

    def wait(self) -> None:
        """Until the stack is stopped.

        Raises:
            NotReady: it could not be started again after its AWS or its Stripe had died.
        """
        self._stopped.wait()
        if self.error is not None:
            raise self.error

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _exited(self, program: Program, code: int) -> bool:
        if self._stopped.is_set() or not self._up.is_set():
            return False  # one that dies before everything has been up ends the start
        if program.name in _FORGETFUL:
            threading.Thread(target=self._start_over, args=(program.name,), name="start-over").start()
            return False
        self._say(f"{program.name} ended with code {code} and is started again; see {program.log}.")
        return True

    def _start_over(self, name: str) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._say(f"{_FORGETFUL[name]}: starting clean.")
            self._supervisor.stop()
            self.data.empty()
            try:
                self._start_all()
            except NotReady as error:
                if not self._stopped.is_set():
                    self.error = error
                self.stop()
            else:
                self._say("Started clean. Everybody signs in again.")

    # --- Parts

    def _program(self, name: str, *arguments: str, ready: Callable[[str], bool], tier: int = _FIRST) -> Program:
        log = self.data.path / "logs" / f"{name}.log"
        return Program(name, [sys.executable, *arguments], log, self.env, ROOT, ready=ready, tier=tier)

    def _aws_answers(self, log: str) -> bool:
        # The log first: another process may answer on that port.
        return "AWS on http" in log and _answers(f"{self.aws_url}/_devstack/health")

    def _commands(self) -> Program:
        arguments = ("-m", "devstack.processes.commands", str(self._socket))
        return self._program("commands", *arguments, ready=lambda log: commands.READY in log, tier=_SECOND)

    @property
    def _socket(self) -> Path:
        assert self._sockets is not None
        return Path(self._sockets.name) / "commands"

    def _stripe(self) -> Program:
        return self._program(
            "stripe",
            *("-m", "devstack.stripe", "--port", str(self.stripe_port)),
            ready=lambda log: "Stripe on http" in log and _answers(f"{self.stripe_url}/_devstack/health"),
        )

    def _web(self) -> Program:
        return self._program(
            "web",
            *("-m", "gas.server", "--listen", f"127.0.0.1:{self.web_port}"),
            ready=lambda log: "Listening at" in log and _answers(self.web_url),
            tier=_SECOND,
        )

    def _worker(self, worker: Worker) -> Program:
        arguments = ("-m", "celery", "-A", "gas", "worker", "-n", f"{worker.name}@%h", "--loglevel", "INFO")
        queues = ("-Q", ",".join(worker.queues), "-c", str(worker.concurrency))
        alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return self._program(worker.name, *arguments, *queues, *alone, ready=lambda log: " ready." in log, tier=_SECOND)

    def _beat(self) -> Program:
        schedule = str(self.data.path / "beat-schedule")
        arguments = ("-m", "celery", "-A", "gas", "beat", "-s", schedule, "--pidfile", "", "--loglevel", "INFO")
        return self._program("beat", *arguments, ready=lambda log: "beat: Starting" in log, tier=_SECOND)

    # --- Use

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://127.0.0.1:{self.stripe_port}"

    @property
    def has_stripe(self) -> bool:
        """Whether the stack's own Stripe is used; real Stripe otherwise, or none."""
        return self.env.get("STRIPE_API_BASE") == self.stripe_url

    def stripe(self) -> Control:
        """To be closed: what the embedded Stripe has done, and its webhooks and periods to steer."""
        return Control(self.stripe_url)

    @property
    def mail_url(self) -> str:
        return self.env["DEVSTACK_MAIL_URL"]

    def aws(self, service: str) -> Any:
        """Return a boto3 client for the embedded AWS."""
        return client(service, self.aws_url)

    def mail(self, to: str = "") -> list[dict[str, Any]]:
        """Sent mail, newest first: id, message_id, at, sender, to, subject, text, html."""
        with _direct() as session:
            answer = session.get(f"{self.aws_url}/_devstack/mail.json", params={"to": to}, timeout=10)
        found: list[dict[str, Any]] = answer.json()
        return found

    def delete_mail(self, number: int) -> None:
        """Take a mail out of the mailbox, by its `id`."""
        with _direct() as session:
            session.delete(f"{self.mail_url}{number}", timeout=10).raise_for_status()

    def faults(self, rules: Iterable[Mapping[str, object]], seed: int = 0) -> None:
        """Replace the fault rules (see devstack/aws/faults.py); an empty list ends them."""
        wanted = {"rules": [dict(rule) for rule in rules], "seed": seed}
        with _direct() as session:
            session.post(f"{self.aws_url}/_devstack/faults", json=wanted, timeout=10).raise_for_status()

    def fault_counts(self) -> list[dict[str, Any]]:
        """Return the rules, each with `seen` and `hits`."""
        with _direct() as session:
            answer = session.get(f"{self.aws_url}/_devstack/faults", timeout=10)
        found: list[dict[str, Any]] = answer.json()["rules"]
        return found

    def glacier(self, **rules: object) -> dict[str, Any]:
        """Change the rules of retrievals, or move time on: see `devstack.aws.glacier.control_page`.

        Returns:
            What the vaults and the storage classes hold afterwards.
        """
        with _direct() as session:
            answer = session.post(f"{self.aws_url}/_devstack/glacier", json=rules, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def glacier_state(self) -> dict[str, Any]:
        """Return what the vaults hold, what was paid for, and the rules."""
        return self.glacier()

    def archives(self, part: str = "") -> dict[str, str]:
        """{id: name} of all archives on both routes whose name, <owner>/<job>/<attempt>, contains `part`."""
        vault = self.glacier_state()["vaults"][self.env.get("GLACIER_VAULT", VAULT)]["archives"]
        found = {archive_id: str(one["description"]).split(" ")[0] for archive_id, one in vault.items()}
        bucket = self.env.get("S3_RESULTS_BUCKET", "gas-results")
        pages = self.aws("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ARCHIVE_PREFIX)
        objects = [item for page in pages for item in page.get("Contents", [])]
        cold = [item["Key"] for item in objects if item.get("StorageClass") in {"GLACIER", "DEEP_ARCHIVE"}]
        found |= {key: key.removeprefix(ARCHIVE_PREFIX) for key in cold}
        return {archive_id: name for archive_id, name in found.items() if part in name}

    def purge(self, queue: str) -> None:
        """Lose every message of a queue, delayed ones included."""
        self.aws("sqs").purge_queue(QueueUrl=f"{self.env['SQS_QUEUE_URL_BASE']}{queue}")

    def kill(self, name: str) -> bool:
        """SIGKILL a process and all its descendants; it is started again. False if it was not running."""
        return self._supervisor.kill(name)

    def is_ready(self, name: str) -> bool:
        return self._supervisor.is_ready(name)

    def starts(self, name: str) -> int:
        return self._supervisor.starts(name)

    def pid(self, name: str) -> int:
        """Of the parent of the process, through which its memory can be found; 0 while it is being restarted."""
        return self._supervisor.pid(name)

    def wait_ready(self, *names: str) -> None:
        self._supervisor.wait_ready(*names)

    def log(self, name: str) -> str:
        return (self.data.path / "logs" / f"{name}.log").read_text(errors="replace")

    def manage(self, *arguments: str) -> str:
        """Run a management command in the stack's environment, and return what it printed.

        Raises:
            NotReady: it failed; with the end of what it said.
        """
        code, printed = commands.run(self._socket, arguments)
        if code:
            tail = "\n".join(printed.splitlines()[-25:])
            raise NotReady(f"manage.py {' '.join(arguments)} ended with code {code}.\n{tail}")
        return printed

    def state(self) -> dict[str, Any]:
        """Return what the database says of all jobs: see the devstack_state command."""
        found: dict[str, Any] = json.loads(self.manage("devstack_state"))
        return found

    def objects(self, part: str = "") -> list[str]:
        """Keys in both buckets that contain `part`, as bucket/key; archives of the storage classes among them."""
        s3 = self.aws("s3")
        names = [self.env.get("S3_INPUTS_BUCKET", "gas-inputs"), self.env.get("S3_RESULTS_BUCKET", "gas-results")]
        return [
            f"{name}/{item['Key']}"
            for name in names
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name)
            for item in page.get("Contents", [])
            if part in item["Key"]
        ]


def _direct() -> requests.Session:
    """Never through a proxy: all of this is on one machine."""
    session = requests.Session()
    session.trust_env = False
    return session


def _answers(url: str) -> bool:
    try:
        with _direct() as session:
            return session.get(url, timeout=5, allow_redirects=False).status_code < 500
    except requests.RequestException:
        return False
