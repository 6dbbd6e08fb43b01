"""manage.py install_reference GRCh38: install a reference pack on this machine, and publish it to the workers."""

import re
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from annotator.install.download import DownloadError
from annotator.install.ensembl import BASE, KNOWN
from annotator.install.errors import InstallError
from annotator.install.install import Wanted, install
from annotator.install.openers import Refused, address
from annotator.install.place import remove, verify
from gas.aws.clients import AWSError
from gas.aws.s3 import CopyDiffers
from gas.jobs import packs, references

WORDS = {"genome": "Packing the genome", "genes": "Packing the genes"}


class Command(BaseCommand):
    help = (
        f"Install a reference pack from Ensembl: {', '.join(KNOWN)}, or any of its species, such as danio_rerio. "
        "Run it again after an interruption: it goes on where it stopped. See docs/references.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help=f"{', '.join(KNOWN)}, or a species as Ensembl writes it")
        parser.add_argument(
            "--from",
            dest="base",
            default=BASE,
            metavar="PLACE",
            help=f"a mirror of Ensembl's pub folder: https://…, s3://bucket/prefix, or a path (default: {BASE})",
        )
        parser.add_argument("--release", default="", help="Ensembl's release, a number (default: the newest)")
        parser.add_argument("--id", default="", dest="pack_id", help="what to call it here (default: the assembly)")
        parser.add_argument("--assembly-report", default="", metavar="PLACE", help="NCBI's, for more contig names")
        parser.add_argument(
            "--genetic-code",
            action="append",
            default=[],
            metavar="CONTIG=N",
            help="NCBI's number of a contig's genetic code, where it is not the usual one",
        )
        parser.add_argument("--publish", action="store_true", help="put the pack into REFERENCES_S3 for the workers")
        parser.add_argument("--keep-downloads", action="store_true", help="keep what was fetched, beside the pack")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = settings.REFERENCES_DIR
        if folder is None:
            raise CommandError("Set REFERENCES_DIR to the folder that packs are kept in.")
        if options["publish"] and not settings.REFERENCES_S3:
            raise CommandError("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
        if options["release"] and not options["release"].isdecimal():
            raise CommandError("--release is a number, such as 115.")
        try:
            base = address(options["base"], folder=True)
            report = options["assembly_report"] and address(options["assembly_report"])
        except Refused as error:
            raise CommandError(f"{error}.") from error
        wanted = Wanted(
            name=options["name"],
            base=base,
            release=options["release"],
            pack_id=options["pack_id"],
            codes=_codes(options["genetic_code"]),
            report=report,
        )
        try:
            self._install(wanted, folder, options)
        except (DownloadError, InstallError) as error:
            raise CommandError(error.message) from error
        except packs.NotPublished as error:
            raise CommandError(str(error)) from error
        except (*AWSError, CopyDiffers) as error:
            raise CommandError(f"S3 could not be written to: {error}") from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Run it again to go on from here.", returncode=130) from error

    def _install(self, wanted: Wanted, folder: Path, options: dict[str, Any]) -> None:
        with _bars(bool(options["verbosity"])) as bars:
            done = install(
                wanted,
                folder,
                progress=_Told(bars),
                openers=packs.OPENERS,
                keep_downloads=options["keep_downloads"],
            )
        reference = verify(done.folder)
        try:
            references.register(reference)
        except references.PackDiffers as error:
            if done.new:
                remove(done.folder)
            raise CommandError(
                f"Another pack {reference.id} is published already, and results refer to it. Workers fetch that one by "
                "themselves; install yours under another id (--id)."
            ) from error
        word = "Installed" if done.new else "Already installed:"
        self._say(options, f"{word} {reference.id}: {reference.title}, {len(reference.contigs):,} sequences.")
        if options["publish"]:
            new = packs.publish(reference.id, lambda name: self._say(options, f"Publishing {name}"))
            where = f"s3://{settings.REFERENCES_S3}/{reference.id}"
            self._say(options, f"Published at {where}" if new else f"Already published at {where}")

    def _say(self, options: dict[str, Any], line: str) -> None:
        if options["verbosity"]:
            self.stdout.write(line)


def _bars(wanted: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), disable=not wanted)


class _Told:
    """Draws a bar for each thing that is being done."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(WORDS.get(what, what), total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)


def _codes(words: list[str]) -> dict[str, int]:
    found = {}
    for word in words:
        match = re.fullmatch(r"(.+)=(\d+)", word)
        if not match:
            raise CommandError(f"--genetic-code is CONTIG=N, such as MT=2; {word!r} is not.")
        found[match[1]] = int(match[2])
    return found
