"""The annotated file: its header, and header and records joined to one bgzip file."""

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
    """Return ##contig lines for the contigs that the records use and the header does not have.

    names maps the reference's own names to those that the file uses.
    """
    return [
        f"##contig=<ID={names[contig.name]},length={contig.length},md5={contig.md5}>"
        for contig in reference.contigs
        if contig.name in names and names[contig.name] not in header.contigs
    ]


def every_contig_line(header: Header, reference: Reference) -> list[str]:
    """Return ##contig lines for all names that records may use and the header does not have."""
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
    """Return the header of the annotated file: the file's own lines, then what was added, then the columns."""
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
    # Lines of the file are kept as Latin-1 text (see Reader); what comes from elsewhere joins them in that form.
    text = f"##gas_{re.sub('[^A-Za-z0-9_]', '_', name)}={info_tags.quoted(value)}"
    return text.encode("utf-8").decode("latin-1")


def write(target: Path, body: Path, header: Iterable[str]) -> int:
    """Write the header, the body (bgzip blocks without the end marker) and the end marker.

    Returns the size of the header in the file, in bytes.
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
    """Turn bcftools' complaint about the finished file into one that its owner can act on."""
    errors: list[str] = _ERROR.findall(messages)
    # Of all its complaints, the one that names a place.
    named = [error for error in errors if " at " in error] or errors
    fault = f": {named[-1].strip().rstrip('.:')}" if named else ""
    return InputError(
        "unreadable-values",
        f"bcftools cannot read a record of the file{fault}.",
        "Correct the record that it names, or leave it out, and upload the file again.",
    )
