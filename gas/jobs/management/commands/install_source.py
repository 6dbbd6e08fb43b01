"""manage.py install_source clinvar --reference GRCh38: install known variants for one reference pack."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotator.errors import EngineError
from annotator.install.checksums import Checksum
from annotator.reference.pack import Reference, load_reference
from annotator.sources.errors import SourceError
from annotator.sources.fields import Wanted, parse_fields
from annotator.sources.install import install, remove, retire
from annotator.sources.manifest import Source, installed_sources, source_names
from annotator.sources.origin import Request, preset_request
from annotator.sources.presets import PRESETS
from annotator.sources.roles import Roles, parse_roles
from gas.aws.clients import AWSError
from gas.aws.s3 import CopyDiffers, NotDeleted
from gas.jobs.catalogue import source_files, sources
from gas.jobs.catalogue.packs import OPENERS, NotPublished
from gas.jobs.models import VariantSource

VARIANT_FILES = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
STEP_BYTES = 64 * 1024 * 1024  # between two lines where the output is no terminal


class Command(BaseCommand):
    """Install, publish or withdraw a source of known variants."""

    help = (
        f"Install a source of known variants for a reference pack: {', '.join(PRESETS)}, or any VCF with --from and "
        "--fields. See docs/sources.md."
    )
    _told = -1

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="clinvar, dbsnp, gnomad, or a name of your own")
        parser.add_argument("--reference", required=True, help="id of the reference pack")
        parser.add_argument(
            "--from",
            nargs="+",
            dest="files",
            metavar="PLACE",
            help="the file, or those that make it: addresses or paths",
        )
        parser.add_argument("--fields", help="INFO fields to take: FIELD or FIELD:TAG, separated by commas")
        parser.add_argument(
            "--roles",
            default="",
            help="what fields mean clinically: significance=FIELD,review=FIELD,condition=FIELD,id=FIELD "
            "(default: known from the names that ClinVar uses)",
        )
        parser.add_argument("--link", default="", help="the address of a page about an allele, with {} for its id")
        parser.add_argument("--title", default="", help="what people are shown (default: the name)")
        parser.add_argument("--source-version", default="", help="its version (default: what the file says)")
        parser.add_argument("--checksum", help="of the file: md5:… or sha256:…")
        parser.add_argument("--mirror", default="", help="an address or folder that has the files of a known source")
        parser.add_argument("--references-dir", type=Path, help="the folder of packs (default: REFERENCES_DIR)")
        parser.add_argument(
            "--publish",
            action="store_true",
            help="put it into REFERENCES_S3 for the workers; with --remove, take it back from there",
        )
        parser.add_argument(
            "--installed", action="store_true", help="with --publish: as it is installed here, and nothing is fetched"
        )
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--list", action="store_true", help="list what is installed")
        action.add_argument("--retire", action="store_true", help="leave it out of new jobs")
        action.add_argument("--reinstate", action="store_true", help="use it in new jobs again")
        action.add_argument("--remove", action="store_true", help="delete it")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path | None = options["references_dir"] or settings.REFERENCES_DIR
        if folder is None:
            raise CommandError("Set REFERENCES_DIR, or name the folder with --references-dir.")
        if options["publish"] and not settings.REFERENCES_S3:
            raise CommandError("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
        if options["installed"] and not options["publish"]:
            raise CommandError("--installed goes with --publish.")
        try:
            reference = load_reference(options["reference"], folder)
            self._do(reference, folder, options)
        except SourceError as error:
            raise CommandError(error.message) from error
        except EngineError as error:
            raise CommandError(f"{error.message}.") from error
        except NotPublished as error:
            raise CommandError(str(error)) from error
        except (*AWSError, CopyDiffers, NotDeleted) as error:
            again = (
                "" if options["remove"] else " Run it again with --publish --installed: nothing is downloaded again."
            )
            raise CommandError(f"S3 could not be written to: {error}.{again}") from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Run the command again to resume.", returncode=130) from error

    def _do(self, reference: Reference, folder: Path, options: dict[str, Any]) -> None:
        name: str | None = options["name"]
        if options["list"]:
            self._list(folder, reference.id)
        elif name is None:
            raise CommandError(f"Name the source: {', '.join(PRESETS)}, or one of your own.")
        elif options["remove"]:
            self._remove(folder, reference.id, name, take_back=options["publish"])
        elif options["retire"] or options["reinstate"]:
            self._retire(folder, reference.id, name, retired=options["retire"])
        else:
            if not options["installed"]:
                self._install(_request(name, reference, options), reference, folder)
            if options["publish"]:
                self._publish(folder, reference, name)
            elif settings.REFERENCES_S3 and folder == settings.REFERENCES_DIR:
                self.stdout.write("This version is not published: jobs do not use it. --publish --installed does it.")

    def _list(self, folder: Path, pack_id: str) -> None:
        rows = {row.name: row for row in _rows(folder, pack_id)}
        active = {source.name for source in installed_sources(folder, pack_id)}
        for source in installed_sources(folder, pack_id, retired=True):
            row = rows.get(source.name)
            line = _line(source)
            if row and row.published_at and row.checksum == source.checksum:
                line += ", published"
                del rows[source.name]
            self.stdout.write(line + (", retired" if _retired(row, source.name in active) else ""))
        for row in rows.values():
            if row.published_at:
                line = f"{row.name}: {row.title} {row.version}, {row.alleles:,} alleles, {', '.join(row.tags)}"
                self.stdout.write(f"{line}, published, not here" + (", retired" if _retired(row, True) else ""))

    def _install(self, request: Request, reference: Reference, folder: Path) -> None:
        source = install(request, reference, folder, progress=self._tell, openers=OPENERS)
        self.stdout.write("")
        self.stdout.write(f"Installed for {reference.id}: {_line(source)}")
        if folder == settings.REFERENCES_DIR:
            sources.register(source, reference, folder)

    def _publish(self, folder: Path, reference: Reference, name: str) -> None:
        new = source_files.publish(folder, reference, name, lambda file: self.stdout.write(f"Publishing {file}"))
        where = source_files.home(reference.id, name).rstrip("/")
        self.stdout.write(f"Published at {where}" if new else f"Already published at {where}")
        if sources.retired_names(reference.id).get(name):
            self.stdout.write(f"{name} is retired: no job uses it before --reinstate.")

    def _retire(self, folder: Path, pack_id: str, name: str, *, retired: bool) -> None:
        """For the whole service if it knows the source, and for this machine if it has it."""
        known = [row.pk for row in _rows(folder, pack_id) if row.name == name]
        if name in source_names(folder, pack_id) or not known:
            retire(folder, pack_id, name, retired=retired)
        if retired:
            sources.retire(known)
        else:
            sources.reinstate(known)

    def _remove(self, folder: Path, pack_id: str, name: str, *, take_back: bool) -> None:
        here = name in source_names(folder, pack_id)
        taken = take_back and source_files.withdraw(pack_id, name)
        if here or not taken:
            remove(folder, pack_id, name)
        if folder == settings.REFERENCES_DIR:
            sources.forget(pack_id, name, published=False)
        if taken:
            self.stdout.write(f"Withdrawn from {source_files.home(pack_id, name).rstrip('/')}")

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


def _rows(folder: Path, pack_id: str) -> Iterable[VariantSource]:
    """What the service knows of the folder's sources: nothing, unless it is its own."""
    if folder != settings.REFERENCES_DIR:
        return ()
    return VariantSource.objects.filter(reference=pack_id).order_by("name")


def _retired(row: VariantSource | None, active: bool) -> bool:
    return row.retired_at is not None if row else not active


def _line(source: Source) -> str:
    return f"{source.name}: {source}, {source.rows:,} alleles, {', '.join(source.tags)}"


def _files(place: str) -> list[str]:
    """The address or file itself; of a folder, the VCF and BCF files in it."""
    if "://" in place or not Path(place).is_dir():
        return [place]
    found = sorted(str(file) for file in Path(place).iterdir() if file.name.endswith(VARIANT_FILES))
    if not found:
        raise CommandError(f"There is no VCF or BCF file in {place}.")
    return found


def _request(name: str, reference: Reference, options: dict[str, Any]) -> Request:
    files = options["files"] and [file for place in options["files"] for file in _files(place)]
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
        version, roles = options["source_version"], _roles(fields, options)
        return Request(name, request.title, fields, request.files, request.md5, None, version, roles)
    preset = PRESETS.get(name)
    if options["fields"]:
        known = preset.fields if preset else ()
        fields = tuple(parse_fields(options["fields"], preset.title if preset else name, known))
    elif preset:
        fields = preset.fields
    else:
        raise CommandError("Say with --fields which INFO fields are to be taken, such as --fields CLNSIG,CLNDN.")
    title = options["title"] or (preset.title if preset else name)
    version, roles = options["source_version"], _roles(fields, options)
    return Request(name, title, fields, tuple(files), "tried", checksum, version, roles)


def _roles(fields: tuple[Wanted, ...], options: dict[str, Any]) -> Roles | None:
    if options["roles"]:
        return parse_roles(options["roles"], options["link"], fields)
    if options["link"]:
        raise CommandError("--link goes with --roles.")
    return None
