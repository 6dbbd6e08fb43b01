"""manage.py install_source clinvar --reference GRCh38: install what is known of variants, for one reference pack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotator.errors import EngineError
from annotator.install.checksums import Checksum
from annotator.references import Reference, load_reference
from annotator.sources.errors import SourceError
from annotator.sources.fields import parse_fields
from annotator.sources.install import install, remove, retire
from annotator.sources.manifest import Source, installed_sources
from annotator.sources.origin import Request, preset_request
from annotator.sources.presets import PRESETS
from gas.jobs.packs import OPENERS

STEP_BYTES = 64 * 1024 * 1024  # between two lines where the output is no terminal


class Command(BaseCommand):
    help = (
        f"Install a source of known variants for a reference pack: {', '.join(PRESETS)}, or any VCF with --from and "
        "--fields. See docs/sources.md."
    )
    _told = -1

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="clinvar, dbsnp, gnomad, or a name of your own")
        parser.add_argument("--reference", required=True, help="id of the reference pack")
        parser.add_argument(
            "--from", nargs="+", dest="files", metavar="ADDRESS", help="the file, or those that make it"
        )
        parser.add_argument("--fields", help="INFO fields to take: FIELD or FIELD:TAG, separated by commas")
        parser.add_argument("--title", default="", help="what people are shown (default: the name)")
        parser.add_argument("--source-version", default="", help="its version (default: what the file says)")
        parser.add_argument("--checksum", help="of the file: md5:… or sha256:…")
        parser.add_argument("--mirror", default="", help="an address or folder that has the files of a known source")
        parser.add_argument("--references-dir", type=Path, help="the folder of packs (default: REFERENCES_DIR)")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--list", action="store_true", help="list what is installed")
        action.add_argument("--retire", action="store_true", help="leave it out of new jobs")
        action.add_argument("--reinstate", action="store_true", help="use it in new jobs again")
        action.add_argument("--remove", action="store_true", help="delete it")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = options["references_dir"] or settings.REFERENCES_DIR
        if folder is None:
            raise CommandError("Set REFERENCES_DIR, or name the folder with --references-dir.")
        try:
            reference = load_reference(options["reference"], folder)
            self._do(reference, folder, options)
        except SourceError as error:
            raise CommandError(error.message) from error
        except EngineError as error:
            raise CommandError(f"{error.message}.") from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Run it again to go on from here.", returncode=130) from error

    def _do(self, reference: Reference, folder: Path, options: dict[str, Any]) -> None:
        name: str | None = options["name"]
        if options["list"]:
            active = {source.name for source in installed_sources(folder, reference.id)}
            for source in installed_sources(folder, reference.id, retired=True):
                self.stdout.write(_line(source) + ("" if source.name in active else ", retired"))
            return
        if name is None:
            raise CommandError(f"Name the source: {', '.join(PRESETS)}, or one of your own.")
        if options["remove"]:
            remove(folder, reference.id, name)
        elif options["retire"] or options["reinstate"]:
            retire(folder, reference.id, name, retired=options["retire"])
        else:
            source = install(
                _request(name, reference, options), reference, folder, progress=self._tell, openers=OPENERS
            )
            self.stdout.write("")
            self.stdout.write(f"Installed for {reference.id}: {_line(source)}")

    def _tell(self, stage: str, done: int, total: int | None) -> None:
        if stage == "fetch":
            text = f"fetch {done / 1e6:,.1f} MB" + (f" of {total / 1e6:,.1f} MB ({done / total:.0%})" if total else "")
            step = done // STEP_BYTES
        else:
            text = f"convert {done:,} records" if stage == "convert" else stage
            step = -2 - done
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{text}", ending="")
            self.stdout.flush()
        elif step != self._told:
            self._told = step
            self.stdout.write(text)


def _line(source: Source) -> str:
    return f"{source.name}: {source}, {source.rows:,} alleles, {', '.join(source.tags)}"


def _request(name: str, reference: Reference, options: dict[str, Any]) -> Request:
    files: list[str] | None = options["files"]
    text: str | None = options["checksum"]
    checksum = None
    if text:
        kind, _, value = text.partition(":")
        if kind not in {"md5", "sha256"} or not value or not files or len(files) != 1:
            raise CommandError("--checksum is md5:… or sha256:…, of one file that --from names.")
        checksum = Checksum(kind, value.lower())
    if files is None:
        request = preset_request(name, reference.id, options["mirror"])
        fields = request.fields
        if options["fields"]:
            fields = tuple(parse_fields(options["fields"], request.title, request.fields))
        return Request(name, request.title, fields, request.files, request.md5, None, options["source_version"])
    preset = PRESETS.get(name)
    if options["fields"]:
        known = preset.fields if preset else ()
        fields = tuple(parse_fields(options["fields"], preset.title if preset else name, known))
    elif preset:
        fields = preset.fields
    else:
        raise CommandError("Say with --fields which INFO fields are to be taken, such as --fields CLNSIG,CLNDN.")
    title = options["title"] or (preset.title if preset else name)
    return Request(name, title, fields, tuple(files), "tried", checksum, options["source_version"])
