"""Detect from a file's first bytes whether it can be a VCF or BCF, and how it is packed."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from annotator.errors import InputError

HEAD_BYTES = 64 * 1024
EXPORT = "Upload a VCF or BCF file, as text or compressed with bgzip or gzip."

#: First bytes of files that people upload by mistake. The order matters only where one is a prefix of another.
OTHER_FILES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or an office document (such as .xlsx)",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an old office document (such as .xls)",
    b"{\\rtf": "a rich-text document",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x1f\x9d": "compressed with compress",
    b"BAM\x01": "a BAM alignment file",
    b"CRAM": "a CRAM alignment file",
    b"TBI\x01": "a tabix index and not the file that it belongs to",
    b"CSI\x01": "a CSI index and not the file that it belongs to",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "a database",
    b"\x89HDF": "an HDF5 file",
    b"##gff-version": "a GFF file",
    b"<?xml": "an XML document",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"@HD\t": "a SAM alignment file",
    b"@SQ\t": "a SAM alignment file",
    b"{": "a JSON document",
    b">": "a FASTA file",
    b"@": "a FASTQ file",
}


class Packing(StrEnum):
    """How the text is packed."""

    PLAIN = "plain text"
    GZIP = "gzip"
    BGZIP = "bgzip"
    BCF = "BCF"


@dataclass(frozen=True)
class Sniffed:
    """How the file is packed, and the line end of its text."""

    packing: Packing
    newline: str
    bom: bool  # the text starts with a UTF-8 byte order mark


def sniff(source: Path) -> Sniffed:
    """Inspect the first 64 KiB. Raises InputError if the file is neither VCF nor BCF."""
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError("empty-file", "The file is empty.", EXPORT)
    packing = Packing.PLAIN
    if head.startswith(b"\x1f\x8b"):
        packing = Packing.BGZIP if head[3:4] == b"\x04" and head[12:14] == b"BC" else Packing.GZIP
        head = _expand(head)
        if head.startswith(b"\x1f\x8b"):
            raise InputError(
                "compressed-twice",
                "The file is compressed with gzip twice.",
                "Decompress it once and upload it again.",
            )
    if head.startswith(b"BCF\x02\x02"):
        return Sniffed(Packing.BCF, "\n", bom=False)
    if head.startswith((b"BCF\x02", b"BCF\x04")):
        version = f"2.{head[4]}" if head[3] == 2 and len(head) > 4 else "1"
        raise InputError(
            "old-bcf",
            f"The file is BCF {version}, and bcftools reads BCF 2.2 alone: values have another form there.",
            "Write it as VCF with the program that made it, such as an old version of bcftools, and upload that file.",
        )
    bom = head.startswith(b"\xef\xbb\xbf")
    text = head[3:] if bom else head
    _refuse_other(text, "The compressed file holds" if packing is not Packing.PLAIN else "The file is")
    newline = "\r" if b"\r" in text and b"\n" not in text else "\n"
    return Sniffed(packing, newline, bom)


def _expand(head: bytes) -> bytes:
    expanded = b""
    try:
        while head and len(expanded) < HEAD_BYTES:
            member = zlib.decompressobj(wbits=31)
            expanded += member.decompress(head, HEAD_BYTES)
            head = member.unused_data
    except zlib.error as error:
        if not expanded:
            raise InputError(
                "broken-gzip",
                "The file says that it is compressed with gzip, but it cannot be decompressed.",
                "Compress the original again, upload it in binary mode, and check that it opens with zcat.",
            ) from error
    if not expanded:
        raise InputError("empty-file", "The file is empty after decompression, or was cut short.", EXPORT)
    return expanded


def _refuse_other(text: bytes, subject: str) -> None:
    start = text.lstrip()[:64]
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or (text[:1] == b"#" and text[1:2] == b"\0") or text[:2] == b"\0#":
        raise InputError(
            "utf-16",
            "The file is text in UTF-16, which VCF does not allow.",
            "Save it as UTF-8 or plain text and upload it again.",
        )
    for magic, name in OTHER_FILES.items():
        if start.startswith(magic) or text.startswith(magic):
            verb = subject if name.startswith(("a ", "an ")) else subject.replace("holds", "holds what is")
            raise InputError("not-a-vcf", f"{verb} {name}, not a VCF.", EXPORT)
    if not start:
        raise InputError("empty-file", "The file contains only white space.", EXPORT)
    if b"\0" in text:
        raise InputError("not-a-vcf", f"{subject} binary data, not a VCF.", EXPORT)
