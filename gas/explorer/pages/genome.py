"""The files that the genome view reads, by byte range: the job's reference, its genes, and the result.

Files in S3 are answered with a redirect to a presigned address. Each request gets a new one, so none is too old.
"""

import functools
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotator.errors import EngineError
from annotator.reference.pack import MANIFEST, load_reference
from gas.aws import mirror, presigned, s3
from gas.explorer.keys import VariantKey
from gas.jobs.catalogue import packs
from gas.jobs.models import Job, ReferencePack, ResultFile
from gas.jobs.pages.access import open_to_visitors, readable_job, visit_of
from gas.jobs.queue.faults import is_ours
from gas.jobs.states import ResultState
from gas.users.requests import PersonRequest

log = logging.getLogger(__name__)

#: Bases on each side of a variant that are shown.
AROUND = 40
#: More bases than this in view, and variants and genes are not fetched.
WINDOW = 1_000_000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_BLOCK = 64 * 1024


@functools.lru_cache(maxsize=64)
def _manifest(pack_id: str, checksum: str) -> dict[str, Any]:
    """Return the manifest of a published pack, which never changes under its checksum."""
    found: dict[str, Any] = json.loads(mirror.read(packs.address(pack_id, MANIFEST)))
    return found


def pack_files(reference: str) -> dict[str, Path | tuple[str, str]]:
    """Return where each file of a pack is, by its name in the manifest: a path, or bucket and key; {} if nowhere."""
    row = ReferencePack.objects.filter(pk=reference).exclude(published_at=None).first()
    if row and settings.REFERENCES_S3:
        files = _manifest(reference, row.checksum)["files"]
        return {name: mirror.place(packs.address(reference, file["name"])) for name, file in files.items()}
    try:
        folder = load_reference(reference, settings.REFERENCES_DIR).fasta.parent
    except EngineError:
        return {}
    return {name: folder / file["name"] for name, file in json.loads((folder / MANIFEST).read_text())["files"].items()}


def view_of(job: Job, key: VariantKey) -> dict[str, Any] | None:
    """Return what igv is told: the reference, the tracks and the place; None if the reference is not at hand."""
    try:
        files = pack_files(job.reference)
    except Exception as error:
        if not (is_ours(error) or isinstance(error, s3.ObjectMissing)):
            raise
        log.exception("the genome view of job %s is left out: the pack cannot be read", job.pk)
        return None
    if "fasta" not in files:
        return None

    def url(name: str) -> str:
        return reverse("explorer:genome_file", args=[job.pk, name])

    reference = {
        "id": job.reference,
        "name": job.reference,
        "fastaURL": url("fasta"),
        "indexURL": url("fasta_index"),
        "aliasURL": url("aliases"),
        **({"compressedIndexURL": url("fasta_blocks")} if "fasta_blocks" in files else {}),
    }
    genes: dict[str, Any] = {
        "name": "Genes",
        "type": "annotation",
        "format": "gff3",
        "url": url("gff"),
        "displayMode": "EXPANDED",
    }
    if "gff_index" in files:
        genes |= {"indexURL": url("gff_index"), "visibilityWindow": WINDOW}
    else:
        genes |= {"indexed": False}
    result = {
        "name": job.name,
        "type": "variant",
        "format": "vcf",
        "url": url("vcf"),
        "indexURL": url("vcf_index"),
        "visibilityWindow": WINDOW,
    }
    start, end = max(1, key.pos - AROUND), key.pos + min(len(key.ref), WINDOW // 2) + AROUND
    return {"reference": reference, "tracks": [genes, result], "locus": f"{key.contig}:{start}-{end}"}


def _blocks(file: IO[bytes], left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            yield block


@open_to_visitors
@require_safe
@never_cache
def genome_file(request: PersonRequest, job_id: UUID, name: str) -> HttpResponseBase:
    """Send a file that the genome view reads, or the part of it that is asked for."""
    job, visit = readable_job(request, job_id), visit_of(request)
    if visit and not visit.downloads:
        raise Http404
    if name == "aliases":
        return _aliases(job)
    found = _result(job).get(name) or pack_files(job.reference).get(name)
    if found is None:
        raise Http404
    if isinstance(found, Path):
        return _part(request, found)
    return redirect(presigned.download_url(*found, filename=found[1].rpartition("/")[2]))


def _result(job: Job) -> dict[str, tuple[str, str]]:
    result = ResultFile.objects.filter(job=job, state=ResultState.AVAILABLE).first()
    if result is None:
        return {}
    bucket = settings.S3_RESULTS_BUCKET
    return {"vcf": (bucket, result.key), "vcf_index": (bucket, result.index_key)}


def _aliases(job: Job) -> HttpResponse:
    """The names of each contig, which files use."""
    try:
        contigs = load_reference(job.reference, settings.REFERENCES_DIR).contigs
        rows = [(one.name, *one.aliases) for one in contigs]
    except EngineError:
        row = ReferencePack.objects.filter(pk=job.reference).first()
        rows = [(one["name"], *one["aliases"]) for one in row.contigs] if row else []
    return HttpResponse("".join("\t".join(names) + "\n" for names in rows), content_type="text/plain; charset=utf-8")


def _part(request: PersonRequest, path: Path) -> HttpResponseBase:
    """A file of this machine, by byte range."""
    asked, size = _RANGE.fullmatch(request.headers.get("Range", "")), path.stat().st_size
    if asked is None:
        return FileResponse(path.open("rb"), content_type="application/octet-stream")
    start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    if start > end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    file = path.open("rb")
    file.seek(start)
    blocks = _blocks(file, end - start + 1)
    response = StreamingHttpResponse(blocks, status=206, content_type="application/octet-stream")
    response["Content-Length"] = str(end - start + 1)
    response["Content-Range"] = f"bytes {start}-{end}/{size}"
    return response
