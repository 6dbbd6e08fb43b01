"""manage.py install_reference GRCh38: install a reference pack on this machine, and publish it to the workers."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotator.install.__main__ import ProgressBars, add_file_arguments, own_genome, parse_codes
from annotator.install.download import DownloadError
from annotator.install.ensembl import BASE, KNOWN
from annotator.install.errors import InstallError
from annotator.install.install import Wanted, install
from annotator.install.openers import Refused, address
from annotator.install.own import install_own
from annotator.install.place import remove, verify
from gas.aws.clients import AWSError
from gas.aws.s3 import CopyDiffers
from gas.jobs.catalogue import packs, references


class Command(BaseCommand):
    """Install a reference pack."""

    help = (
        f"Install a reference pack from Ensembl: {', '.join(KNOWN)}, or any of its species, such as danio_rerio. "
        "Run it again after an interruption: it resumes where it stopped. With --fasta and --genes, install your own "
        "genome. See docs/references.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help=f"{', '.join(KNOWN)}, a species as Ensembl writes it, or a name of your own")
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
        add_file_arguments(parser, required=False)
        parser.add_argument("--publish", action="store_true", help="put the pack into REFERENCES_S3 for the workers")
        parser.add_argument("--keep-downloads", action="store_true", help="keep the downloaded files next to the pack")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = settings.REFERENCES_DIR
        if folder is None:
            raise CommandError("Set REFERENCES_DIR to the folder that packs are kept in.")
        if options["publish"] and not settings.REFERENCES_S3:
            raise CommandError("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
        if options["release"] and not options["release"].isdecimal():
            raise CommandError("--release is a number, such as 115.")
        try:
            codes = parse_codes(options["genetic_code"])
        except InstallError as error:
            raise CommandError(error.message) from error
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
            codes=codes,
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
            raise CommandError("Stopped. Run the command again to resume.", returncode=130) from error

    def _install(self, wanted: Wanted, folder: Path, options: dict[str, Any]) -> None:
        pack, new = (
            self._own(folder, options)
            if options["fasta"] or options["genes"]
            else self._fetched(wanted, folder, options)
        )
        reference = verify(pack)
        try:
            references.register(reference)
        except references.PackDiffers as error:
            if new:
                remove(pack)
            raise CommandError(
                f"Another pack {reference.id} is published already, and results refer to it. Workers fetch that one by "
                "themselves; install yours under another id (--id)."
            ) from error
        word = "Installed" if new else "Already installed:"
        self._say(options, f"{word} {reference.id}: {reference.title}, {len(reference.contigs):,} sequences.")
        if options["publish"]:
            published = packs.publish(reference.id, lambda name: self._say(options, f"Publishing {name}"))
            where = f"s3://{settings.REFERENCES_S3}/{reference.id}"
            self._say(options, f"Published at {where}" if published else f"Already published at {where}")

    def _fetched(self, wanted: Wanted, folder: Path, options: dict[str, Any]) -> tuple[Path, bool]:
        """Install from Ensembl; return the pack's folder, and whether it is new."""
        with ProgressBars(shown=bool(options["verbosity"])) as bars:
            done = install(
                wanted,
                folder,
                progress=bars,
                openers=packs.OPENERS,
                keep_downloads=options["keep_downloads"],
            )
        return done.folder, done.new

    def _own(self, folder: Path, options: dict[str, Any]) -> tuple[Path, bool]:
        """Install a person's own genome; likewise."""
        if not (options["fasta"] and options["genes"]):
            raise CommandError("Your own genome needs both --fasta and --genes.")
        values = Namespace(**options)
        values.assembly_report = Path(options["assembly_report"]) if options["assembly_report"] else None
        with ProgressBars(shown=bool(options["verbosity"])) as bars:
            done = install_own(own_genome(options["name"], values), folder, progress=bars)
        for line in done.lines()[1:]:
            self._say(options, line)
        return done.folder, True

    def _say(self, options: dict[str, Any], line: str) -> None:
        if options["verbosity"]:
            self.stdout.write(line)
