"""The Glacier vault service, in place of moto's, whose archives share an id when their bytes are alike.

Source: "API reference for Amazon S3 Glacier", developer guide, API of 2012-06-01. Not here: tags, policies, locks,
provisioned capacity, Select, retrievals of a byte range, and inventories in JSON or of a part.

One module because it is one API, a handler for each of its operations.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from werkzeug.wsgi import get_input_stream

from devstack.aws.credentials import ACCOUNT
from devstack.aws.glacier import inventories
from devstack.aws.glacier.notices import Teller
from devstack.aws.glacier.vaults import (
    MIB,
    Content,
    GlacierError,
    Job,
    Upload,
    Vault,
    Vaults,
    invalid,
    iso,
    missing,
    token,
)
from devstack.aws.operations import operation
from devstack.aws.wsgi import App, Environ, StartResponse, respond

PAGE_MAX = 50
ARCHIVE_MAX_BYTES = 4 * 1024**3
_TREE = "x-amz-sha256-tree-hash"


class Request:
    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.path = [unquote(part) for part in environ["PATH_INFO"].strip("/").split("/")]
        self.query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))

    def header(self, name: str) -> str:
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

    def named(self, index: int) -> str:
        """Return a part of the path /{account}/vaults/{vault}/{kind}/{id}…."""
        return self.path[index] if index < len(self.path) else ""


Answer = tuple[int, dict[str, str], bytes | Iterable[bytes]]


class Glacier:
    def __init__(self, app: App, vaults: Vaults, teller: Teller) -> None:
        self.app, self.vaults, self.teller = app, vaults, teller
        self._calls: dict[str, Callable[[Request], Answer]] = {
            "CreateVault": self._create_vault,
            "DescribeVault": lambda request: _json(self._vault(request).described()),
            "ListVaults": self._list_vaults,
            "DeleteVault": self._delete_vault,
            "SetVaultNotifications": self._set_notifications,
            "GetVaultNotifications": self._get_notifications,
            "DeleteVaultNotifications": self._delete_notifications,
            "UploadArchive": self._upload,
            "DeleteArchive": self._delete,
            "InitiateMultipartUpload": self._initiate,
            "UploadMultipartPart": self._part,
            "CompleteMultipartUpload": self._complete,
            "AbortMultipartUpload": self._abort,
            "ListMultipartUploads": self._list_uploads,
            "InitiateJob": self._retrieve,
            "DescribeJob": lambda request: _json(self._described(request)),
            "ListJobs": self._list_jobs,
            "GetJobOutput": self._output,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if "/glacier/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
            return self.app(environ, start_response)
        call = self._calls.get(operation(environ).action)
        try:
            if call is None:
                raise GlacierError(501, "NotImplemented", "This is not emulated.")  # noqa: TRY301
            status, headers, body = call(Request(environ))
        except GlacierError as error:
            told = {"code": error.code, "message": error.message, "type": "Client"}
            status, headers, body = _json(told, error.status)
        headers = {"x-amzn-RequestId": token(48), **headers}
        if isinstance(body, bytes):
            return respond(start_response, status, body, headers)
        respond(start_response, status, b"", headers)
        return body

    def _vault(self, request: Request) -> Vault:
        return self.vaults.vault(request.named(2))

    # --- Vaults

    def _create_vault(self, request: Request) -> Answer:
        name = request.named(2)
        with self.vaults.lock:  # again is no error, and changes nothing
            self.vaults.vaults.setdefault(name, Vault(name, self.vaults.clock.seconds()))
        return 201, {"Location": f"/{ACCOUNT}/vaults/{name}"}, b""

    def _list_vaults(self, request: Request) -> Answer:
        with self.vaults.lock:
            return _json({"Marker": None, "VaultList": [one.described() for one in self.vaults.vaults.values()]})

    def _delete_vault(self, request: Request) -> Answer:
        with self.vaults.lock:
            vault = self._vault(request)
            if vault.archives:
                raise invalid(f"Vault not empty or recently written to: {vault.arn}")
            del self.vaults.vaults[vault.name]
        return 204, {}, b""

    def _set_notifications(self, request: Request) -> Answer:
        wanted = json.loads(get_input_stream(request.environ).read())
        if not wanted.get("SNSTopic") or not wanted.get("Events"):
            raise invalid("SNSTopic and Events are needed")
        self._vault(request).notifications = wanted
        return 204, {}, b""

    def _get_notifications(self, request: Request) -> Answer:
        vault = self._vault(request)
        if vault.notifications is None:
            raise missing("No notification configuration is set for vault", vault.name)
        return _json(vault.notifications)

    def _delete_notifications(self, request: Request) -> Answer:
        self._vault(request).notifications = None
        return 204, {}, b""

    # --- Archives

    def _body(self, request: Request) -> tuple[Content, str]:
        """Return the request's body on the tape, and its tree hash, both hashes compared with what the sender says."""
        size = int(request.environ.get("CONTENT_LENGTH") or 0)
        if not 0 < size <= ARCHIVE_MAX_BYTES:
            raise invalid(f"Invalid Content-Length: {size}")
        content = Content([self.vaults.tape.write(get_input_stream(request.environ), size)])
        if content.size != size:
            raise GlacierError(408, "RequestTimeoutException", "The body ended too early.")
        tree = content.tree_hash()
        for said, computed in (
            (request.header(_TREE), tree),
            (request.header("x-amz-content-sha256"), content.sha256()),
        ):
            if not said:
                raise GlacierError(400, "MissingParameterValueException", "A checksum is needed.")
            if said != computed:
                raise invalid(f"Checksum mismatch: expected {said} server computed {computed}")
        return content, tree

    def _upload(self, request: Request) -> Answer:
        vault = self._vault(request)
        content, tree = self._body(request)
        with self.vaults.lock:
            archive = self.vaults.add(vault, content, request.header("x-amz-archive-description"), tree)
        return self._made(vault, archive.id, archive.content)

    def _made(self, vault: Vault, archive_id: str, content: Content) -> Answer:
        """Return the answer for a new archive, with the tree hash of its bytes as they are now."""
        location = f"/{ACCOUNT}/vaults/{vault.name}/archives/{archive_id}"
        return 201, {"x-amz-archive-id": archive_id, _TREE: content.tree_hash(), "Location": location}, b""

    def _delete(self, request: Request) -> Answer:
        with self.vaults.lock:
            self.vaults.delete(self._vault(request), request.named(4))
        return 204, {}, b""

    def _initiate(self, request: Request) -> Answer:
        vault, size = self._vault(request), int(request.header("x-amz-part-size") or 0)
        if size < MIB or size > ARCHIVE_MAX_BYTES or size & (size - 1):
            raise invalid(f"Invalid part size: {size}. Part size must be a power of two MiB up to 4 GiB.")
        upload = Upload(token(92), request.header("x-amz-archive-description"), size, self.vaults.clock.seconds())
        vault.uploads[upload.id] = upload
        location = f"/{ACCOUNT}/vaults/{vault.name}/multipart-uploads/{upload.id}"
        return 201, {"x-amz-multipart-upload-id": upload.id, "Location": location}, b""

    def _part(self, request: Request) -> Answer:
        upload = self.vaults.upload(self._vault(request), request.named(4))
        content, tree = self._body(request)
        found = re.fullmatch(r"bytes (\d+)-(\d+)/\*", request.header("Content-Range"))
        start, last = (int(found[1]), int(found[2])) if found else (-1, 0)
        if start % upload.part_size or last - start + 1 != content.size or content.size > upload.part_size:
            raise invalid(f"Invalid Content-Range: {request.header('Content-Range')}")
        with self.vaults.lock:
            upload.parts[start] = content, tree
        return 204, {_TREE: tree}, b""

    def _complete(self, request: Request) -> Answer:
        size, tree = int(request.header("x-amz-archive-size") or 0), request.header(_TREE)
        with self.vaults.lock:
            vault = self._vault(request)
            archive = self.vaults.complete(vault, request.named(4), size, tree)
        return self._made(vault, archive.id, archive.content)

    def _abort(self, request: Request) -> Answer:
        with self.vaults.lock:
            vault = self._vault(request)
            del vault.uploads[self.vaults.upload(vault, request.named(4)).id]
        return 204, {}, b""

    def _list_uploads(self, request: Request) -> Answer:
        vault = self._vault(request)
        uploads = [
            {
                "MultipartUploadId": one.id,
                "ArchiveDescription": one.description or None,
                "PartSizeInBytes": one.part_size,
                "CreationDate": iso(one.created),
                "VaultARN": vault.arn,
            }
            for one in vault.uploads.values()
        ]
        return _json({"Marker": None, "UploadsList": uploads})

    # --- Jobs

    def _retrieve(self, request: Request) -> Answer:
        wanted: dict[str, Any] = json.loads(get_input_stream(request.environ).read())
        if wanted.get("Type") == "inventory-retrieval" and wanted.get("Format") == "CSV":
            return self._take_inventory(request, wanted.get("SNSTopic", ""))
        if wanted.get("Type") != "archive-retrieval" or "RetrievalByteRange" in wanted:
            raise GlacierError(501, "NotImplemented", "Only retrievals of whole archives are emulated.")
        with self.vaults.lock:
            vault = self._vault(request)
            job = self.vaults.retrieve(
                vault,
                wanted.get("ArchiveId", ""),
                wanted.get("Tier", "Standard"),
                wanted.get("Description", ""),
                wanted.get("SNSTopic", ""),
            )
        return self._begun(vault, job)

    def _begun(self, vault: Vault, job: Job) -> Answer:
        self.teller.wake()
        location = f"/{ACCOUNT}/vaults/{vault.name}/jobs/{job.id}"
        return 202, {"x-amz-job-id": job.id, "Location": location}, b""

    def _take_inventory(self, request: Request, topic: str) -> Answer:
        rules, now = self.vaults.rules, self.vaults.clock.seconds()
        seconds, taken = rules.seconds["Standard"], now - rules.inventory_age
        with self.vaults.lock:
            vault = self._vault(request)
            job = inventories.begin(vault, self.vaults.tape, now=now, taken=taken, seconds=seconds, topic=topic)
        return self._begun(vault, job)

    def _job(self, request: Request) -> tuple[Vault, Job]:
        vault = self._vault(request)
        job = vault.jobs.get(request.named(4))
        if job is None:
            raise missing("The job ID was", request.named(4))
        return vault, job

    def _described(self, request: Request) -> dict[str, Any]:
        return self.vaults.described(*self._job(request))

    def _list_jobs(self, request: Request) -> Answer:
        """By time of creation; a page begins at its marker, which is a job's id."""
        limit = int(request.query.get("limit", PAGE_MAX))
        if not 1 <= limit <= PAGE_MAX:
            raise invalid(f"Invalid limit: {limit}. The limit must be between 1 and {PAGE_MAX}.")
        with self.vaults.lock:
            vault, now = self._vault(request), self.vaults.clock.seconds()
            jobs = list(vault.jobs.values())
            if status := request.query.get("statuscode"):
                jobs = [job for job in jobs if job.status(now) == status]
            if completed := request.query.get("completed"):
                jobs = [job for job in jobs if (job.status(now) != "InProgress") is (completed == "true")]
            start = 0
            if marker := request.query.get("marker"):
                start = next((i for i, job in enumerate(jobs) if job.id == marker), -1)
                if start < 0:
                    raise invalid(f"Invalid marker: {marker}")
            page = [self.vaults.described(vault, job) for job in jobs[start : start + limit]]
        following = jobs[start + limit].id if len(jobs) > start + limit else None
        return _json({"JobList": page, "Marker": following})

    def _output(self, request: Request) -> Answer:
        _, job = self._job(request)
        if job.status(self.vaults.clock.seconds()) != "Succeeded":
            raise invalid(f"The job is not currently available for download: {job.id}")
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        if job.archive and job.archive.description:
            headers["x-amz-archive-description"] = job.archive.description
        wanted = request.header("Range")
        if not wanted:
            headers["Content-Length"] = str(job.content.size)
            if job.archive:
                headers[_TREE] = job.tree_hash
            return 200, headers, job.content.chunks()
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        start, end = (int(found[1]), int(found[2]) + 1) if found else (0, 0)
        if not start < end <= job.content.size:
            raise invalid(f"Invalid range: {wanted}")
        part = job.content.part(start, end)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{job.content.size}"
        headers["Content-Length"] = str(part.size)
        if job.archive and aligned(start, end, job.content.size):
            headers[_TREE] = part.tree_hash()
        return 206, headers, part.chunks()


def aligned(start: int, end: int, size: int) -> bool:
    """Return whether the range is one subtree of the tree hash ("Receiving checksums when downloading data")."""
    length = end - start
    power = MIB
    while power < length:
        power *= 2
    return start % power == 0 and (end == size or length == power)


def _json(value: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
