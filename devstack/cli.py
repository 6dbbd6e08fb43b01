"""The commands `run`, `manage`, `demo`, `chaos`, `attack` and `screenshots`. They need no settings.

All but `manage` run a stack of their own.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from annotator.reference.sample_file import write_sample
from devstack.client import Refused, Scientist
from devstack.processes.data_dir import NotOurs
from devstack.processes.environment import real_stripe
from devstack.processes.manage import manage
from devstack.processes.supervisor import NotReady
from devstack.scenarios import attack, cold_chaos
from devstack.scenarios.chaos import SETTINGS, WORKERS, Plan, chaos
from devstack.scenarios.demo import ROUTES, demo
from devstack.scenarios.tamper import TAMPERINGS
from devstack.stack import Stack


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = options.run(options)
    except (NotOurs, NotReady, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="The whole service on one machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    run = commands.add_parser("run", help="run everything until Ctrl-C")
    run.add_argument("--port", type=int, default=8000, help="of the site; another is taken if it is not free")
    run.add_argument("--workers", type=int, default=1, help="how many worker processes")
    run.add_argument("--no-demo-job", action="store_true", help="do not run the demo account's first job")
    run.add_argument(
        "--archive-after",
        metavar="SECONDS",
        default=os.environ.get("ARCHIVE_AFTER_SECONDS", ""),
        help="when a free person's result is archived; 300, or what ARCHIVE_AFTER_SECONDS says",
    )
    run.add_argument(
        "--route",
        choices=ROUTES,
        default=os.environ.get("ARCHIVE_ROUTE") or ROUTES[0],
        help="how it is archived; vault, or what ARCHIVE_ROUTE says",
    )
    run.set_defaults(run=_run)
    command = commands.add_parser("manage", help="run a management command, such as install_reference")
    command.add_argument("arguments", nargs=argparse.REMAINDER, metavar="command ...")
    command.set_defaults(run=_manage)
    for one in (run, command):
        one.add_argument("--data-dir", type=Path, default=Path("var/devstack"), help="of `run`: emptied at every start")
        one.add_argument(
            "--references-dir",
            type=Path,
            default=os.environ.get("REFERENCES_DIR") or "var/references",
            help="where reference packs and sources are kept; var/references, or what REFERENCES_DIR says",
        )
    one = commands.add_parser("demo", help="drive one job through everything, to Glacier and back; print a timeline")
    one.add_argument("--route", choices=(*ROUTES, "both"), default="both", help="how its result is archived")
    one.set_defaults(run=_demo)
    many = commands.add_parser("chaos", help="many jobs while workers are killed and AWS fails")
    many.add_argument("--jobs", type=int, default=None, help="200, or 100 with --archive")
    many.add_argument("--minutes", type=float, default=15, help="the longest wait for the last job")
    many.add_argument("--rate", type=float, help="of calls to AWS that are answered with 503; 0.05, or 0.1")
    many.add_argument("--seed", type=int, default=1)
    many.add_argument("--archive", action="store_true", help="archive and restore their results, too; --jobs 100")
    many.add_argument("--route", choices=ROUTES, default=ROUTES[0], help="with --archive: how")
    many.add_argument("--down", type=float, default=20, help="with --archive: seconds of each of the two outages")
    many.add_argument("--kill-general", action="store_true", help="kill the worker of the other queues, too")
    many.add_argument("--tamper", choices=TAMPERINGS, help="damage this when all is done, to see that it is told")
    many.set_defaults(run=_chaos)
    hostile = commands.add_parser("attack", help="hostile files, alone and ten at once; hung and crashed processes")
    hostile.add_argument("names", nargs="*", help="these files alone; all if there are none")
    hostile.set_defaults(run=_attack)
    pictures = commands.add_parser("screenshots", help="make the README's pictures (needs Chromium)")
    pictures.add_argument("folder", type=Path)
    pictures.set_defaults(run=_screenshots)
    return parser


def _say(text: str) -> None:
    print(text, flush=True)


def _run(options: argparse.Namespace) -> int:
    references = options.references_dir.expanduser().resolve()
    references.mkdir(parents=True, exist_ok=True)
    env = {"ARCHIVE_ROUTE": options.route, "REFERENCES_DIR": str(references), **real_stripe(os.environ)}
    if options.archive_after:
        env["ARCHIVE_AFTER_SECONDS"] = options.archive_after
    stack = Stack(options.data_dir, port=options.port, workers=options.workers, env=env, say=_say)
    try:
        _say("Starting ...")
        stack.start()
        _say(f"\n  Site     {stack.web_url}\n  Mailbox  {stack.mail_url}")
        if stack.has_stripe:
            _say(f"  Stripe   {stack.stripe_url}/_devstack/stripe (a stand-in: pay with card 4242 4242 4242 4242)")
        for title, account in (("Demo", stack.accounts.demo), ("Staff", stack.accounts.staff)):
            _say(f"  {title:<8} {account.email}   password {account.password}")
        _say(f"  Logs     {stack.data.path / 'logs'}\n")
        if not options.no_demo_job:
            # In its own thread, so that Ctrl-C works at any time.
            threading.Thread(target=_first_job, args=(stack,), daemon=True).start()
        stack.wait()
    except KeyboardInterrupt:
        _say("\nStopping ...")
    finally:
        stack.stop()
    return 0


def _manage(options: argparse.Namespace) -> int:
    references = options.references_dir.expanduser().resolve()
    references.mkdir(parents=True, exist_ok=True)
    return manage(options.arguments, data_dir=options.data_dir, references=references)


def _first_job(stack: Stack) -> None:
    """The demo account's first job, over HTTP like any other."""
    account = stack.accounts.demo
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Scientist(stack.web_url, email=account.email, password=account.password) as scientist,
        ):
            path = Path(folder) / "rCRS-sample.vcf"
            write_sample(path, records=1200, seed=1)
            scientist.sign_in()
            job = scientist.upload(path)
            ended = scientist.wait(job)
    except (Refused, TimeoutError, OSError) as error:
        _say(f"The demo account's first job did not run: {error}")
        return
    address = f"{stack.web_url}/jobs/{job}/"
    _say(f"The demo account's first job is {ended['status']}: {address}\nIts variants: {address}variants/")
    _say("Ctrl-C stops everything.")


def _demo(options: argparse.Namespace) -> int:
    return demo(_say, Console(), ROUTES if options.route == "both" else (options.route,))


def _screenshots(options: argparse.Namespace) -> int:
    from devstack.scenarios.screenshots import screenshots  # noqa: PLC0415  (Playwright is needed for this alone)

    screenshots(options.folder, _say)
    return 0


def _chaos(options: argparse.Namespace) -> int:
    if options.archive:
        return _cold_chaos(options)
    plan = Plan(
        jobs=options.jobs or 200,
        seconds=options.minutes * 60,
        rate=0.05 if options.rate is None else options.rate,
        seed=options.seed,
        kill_general=options.kill_general,
        tamper=TAMPERINGS.get(options.tamper),
    )
    with (
        tempfile.TemporaryDirectory(prefix="gas-chaos-") as folder,
        Stack(Path(folder) / "data", workers=WORKERS, env=SETTINGS, say=_say) as stack,
    ):
        outcome = chaos(stack, plan, Path(folder), _say)
    _say(outcome.report())
    return 1 if outcome.problems else 0


def _attack(options: argparse.Namespace) -> int:
    from tests.support import attacks  # noqa: PLC0415  (the tests' files are needed for this alone)

    made = {**attacks.ATTACKS, **attacks.LARGER}
    with (
        tempfile.TemporaryDirectory(prefix="gas-attack-") as name,
        Stack(Path(name) / "data", workers=attack.WORKERS, env=attack.SETTINGS, say=_say) as stack,
    ):
        folder = Path(name)
        files = {one: folder / f"{one}.vcf.gz" for one in options.names or made}
        for one, path in files.items():
            path.write_bytes(attacks.packed(made[one]()))
        slow = folder / "slow.vcf.gz"
        slow.write_bytes(attacks.packed(attacks.many_skipped(2_000_000)))
        outcome = attack.attack(stack, files, slow, folder, _say)
    _say(outcome.report())
    return 1 if outcome.problems else 0


def _cold_chaos(options: argparse.Namespace) -> int:
    plan = cold_chaos.Plan(
        jobs=options.jobs or 100,
        seconds=options.minutes * 60,
        rate=0.1 if options.rate is None else options.rate,
        down=options.down,
        seed=options.seed,
        tamper=TAMPERINGS.get(options.tamper),
    )
    env = {**cold_chaos.SETTINGS, "ARCHIVE_ROUTE": options.route}
    with (
        tempfile.TemporaryDirectory(prefix="gas-chaos-") as folder,
        Stack(Path(folder) / "data", workers=cold_chaos.WORKERS, env=env, say=_say) as stack,
    ):
        outcome = cold_chaos.cold_chaos(stack, plan, Path(folder), _say)
    _say(outcome.report())
    return 1 if outcome.problems else 0
