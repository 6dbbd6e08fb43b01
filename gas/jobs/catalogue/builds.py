"""Propose a reference for a file from the beginning that a browser has read. Nothing of the file is stored."""

import logging
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings

from annotator.errors import EngineError
from annotator.preflight.build_detection.detect import SAMPLE, Fit, detect
from annotator.preflight.build_detection.evidence import Site
from annotator.reference.pack import Reference, ReferenceInfo, load_reference
from gas.jobs.catalogue import references
from gas.rate_limits import RateLimit
from gas.users.models import User

log = logging.getLogger(__name__)

#: Raised by reading a FASTA file with cut or damaged indexes or blocks, which hold sizes and offsets.
DAMAGED = (OSError, struct.error, zlib.error, ValueError, LookupError, ArithmeticError, MemoryError)

MAX_BODY = 512 * 1024  # bytes: GRCh38 with all its decoys has 3,366 ##contig lines, 250 KB
MAX_LINES = 10_000
MAX_LINE = 1000  # characters; a longer header line says nothing about the build
MAX_REF = 100  # bases of one REF that are compared
MAX_CONTIG = 200
PER_HOUR = 600  # requests of one person
LIMIT = RateLimit("builds", seconds=3600)


class Unreadable(Exception):
    """The request body does not have the form that the upload page sends."""


def too_many(person: User) -> bool:
    """Count a request, and return whether the person has made more than PER_HOUR within the hour."""
    return not LIMIT.take(person.pk, PER_HOUR)


def proposal(body: Any) -> dict[str, Any]:
    """Propose a reference for a file whose beginning a browser has read.

    Args:
        body: {"header": [lines], "records": [[CHROM, POS, REF], …]}.

    Returns:
        "fit", "reference", "build", "reason" and "fits" of a Detection, and "ask": whether the person has to confirm.

    Raises:
        Unreadable: the body does not have this form.
    """
    lines, sample = _lines(body), _sample(body)
    infos = [_with_sequence(info, sample) for info in references.choices()] if sample else references.choices()
    found = detect(lines, infos, sample)
    return {**asdict(found), "ask": found.fit in (Fit.UNCLEAR, Fit.NONE)}


def _lines(body: Any) -> list[str]:
    lines = body.get("header") if isinstance(body, dict) else None
    if not isinstance(lines, list) or len(lines) > MAX_LINES or not all(isinstance(line, str) for line in lines):
        raise Unreadable
    return [line for line in lines if len(line) <= MAX_LINE]


def _sample(body: dict[str, Any]) -> Sequence[Site]:
    rows = body.get("records", [])
    if not isinstance(rows, list):
        raise Unreadable
    sample = []
    for row in rows[:SAMPLE]:
        if not isinstance(row, list) or [type(value) for value in row] != [str, int, str]:
            raise Unreadable
        name, pos, ref = row
        if len(name) <= MAX_CONTIG and 0 < pos < 2**40:
            sample.append((name, pos, ref[:MAX_REF]))
    return sample


def _with_sequence(info: ReferenceInfo, sample: Sequence[Site]) -> ReferenceInfo:
    """Return the pack with its FASTA file, if this machine has it and it can be read at the sites of the sample."""
    try:
        reference = load_reference(info.id, settings.REFERENCES_DIR)
        _read(reference, sample)
    except EngineError:  # only in S3
        return info
    except DAMAGED:
        log.exception("the sequence of reference %s cannot be read", info.id)
        return info
    return reference


def _read(reference: Reference, sample: Sequence[Site]) -> None:
    """Read the bases that will be compared: damage appears only when they are read. Raises one of DAMAGED."""
    lengths = {contig.name: contig.length for contig in reference.contigs}
    if any(reference.sequence.lengths.get(name) != length for name, length in lengths.items()):
        raise ValueError("the FASTA's index has other contigs than the manifest")
    for name, pos, ref in sample:
        contig = reference.canonical(name)
        end = min(pos + len(ref) - 1, lengths[contig]) if contig else 0
        if contig and len(reference.sequence.fetch(contig, pos, end)) != max(0, end - pos + 1):
            raise ValueError(f"the FASTA or its index is cut: it lacks bases of {contig}")
