"""Write the annotated file: compose its header, and join header and records into one bgzip file."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from annotator.effects import info_tags
from annotator.errors import InputError
from annotator.formats.bgzf import END, BgzfWriter
from annotator.preflight.header import Header
from annotator.reference.pack import Reference


def contig_lines(header: Header, names: Mapping[str, str], reference: Reference) -> list[str]:
    """Return ##contig lines for the contigs that the records use and the header does not declare.

    Args:
        header: the file's header.
        names: the file's names of the contigs that it uses, by the reference's names.
        reference: the reference pack.
    """
    return [
        f"##contig=<ID={names[contig.name]},length={contig.length},md5={contig.md5}>"
        for contig in reference.contigs
        if contig.name in names and names[contig.name] not in header.contigs
    ]


def every_contig_line(header: Header, reference: Reference) -> list[str]:
    """Return ##contig lines for all names that records may use and the header does not declare."""
    names = {name: one.length for one in reference.contigs for name in (one.name, *one.aliases)}
    return [f"##contig=<ID={name},length={length}>" for name, length in names.items() if name not in header.contigs]


def header_lines(
    header: Header,
    *,
    definitions: Iterable[str],
    source_definitions: Iterable[str],
    facts: Mapping[str, str],
    repairs: Iterable[str],
    provenance: Mapping[str, str],
) -> list[str]:
    """Return the header of the annotated file.

    Args:
        header: the header of the input; its lines come first, and its columns last.
        definitions: lines for contigs and tags that the input does not declare.
        source_definitions: INFO lines for the tags of sources.
        facts: facts about the run, by name.
        repairs: one sentence for each kind of repair.
        provenance: facts from the caller, by name.
    """
    return [
        f"##fileformat={header.fileformat}",
        *header.meta,
        *definitions,
        *info_tags.definitions(),
        *source_definitions,
        *(_fact(name, value) for name, value in facts.items()),
        *(_fact("repair", repair) for repair in repairs),
        *(_fact(name, value) for name, value in provenance.items()),
        header.columns,
    ]


def _fact(name: str, value: str) -> str:
    # Lines of the file are kept as Latin-1 text (see Reader), so text from elsewhere is converted to that form.
    text = f"##gas_{re.sub('[^A-Za-z0-9_]', '_', name)}={info_tags.quoted(value)}"
    return text.encode("utf-8").decode("latin-1")


def write(target: Path, body: Path, header: Iterable[str]) -> int:
    """Write the header, the body and the end marker.

    Args:
        target: the file to write.
        body: the annotated records: bgzip blocks without the end marker.
        header: the lines of the header.

    Returns:
        The compressed size of the header in the file, in bytes.
    """
    with target.open("wb") as file:
        writer = BgzfWriter(file)
        for line in header:
            writer.write(line.encode("latin-1") + b"\n")
        writer.finish()
        size = file.tell()
        with body.open("rb") as blocks:
            shutil.copyfileobj(blocks, file, 1024 * 1024)
        file.write(END)
    return size


_ERROR = re.compile(r"\[E::\w++\] (.*)")


def unreadable(messages: str) -> InputError:
    """Turn bcftools' error messages about the finished file into an error that its owner can act on."""
    errors: list[str] = _ERROR.findall(messages)
    # Prefer the messages that name a place.
    named = [error for error in errors if " at " in error] or errors
    fault = f": {named[-1].strip().rstrip('.:')}" if named else ""
    return InputError(
        "unreadable-values",
        f"bcftools cannot read a record of the file{fault}.",
        "Correct the record that it names, or leave it out, and upload the file again.",
    )
