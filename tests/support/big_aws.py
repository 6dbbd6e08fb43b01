"""python -m tests.support.big_aws MEGABYTES…: S3 and Glacier for objects that moto would need gigabytes of memory for.

The vault service is the devstack's, which keeps its bytes on disk. Of S3 there is what archiving uses, for one bucket:
objects, copies, and uploads in parts, also on disk. An object of a storage class can be read once it was restored, at
once. Prints one line of JSON: the port, and the key, size and SHA-256 of an object of each of the sizes.
"""

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import get_input_stream

from devstack.aws.glacier.notices import Teller
from devstack.aws.glacier.retrieval import Clock, Rules
from devstack.aws.glacier.vault_service import Glacier
from devstack.aws.glacier.vaults import Content, Vaults
from devstack.aws.wsgi import Environ, S3Error, StartResponse, bucket_and_key, respond

Query = dict[str, str]
Handler = Callable[[Environ, StartResponse, str, Query], Iterable[bytes]]

COLD = {"GLACIER", "DEEP_ARCHIVE"}
XML = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass
class Object:
    content: Content
    storage_class: str = "STANDARD"
    restored: bool = False

    @property
    def etag(self) -> str:
        return f'"{id(self):x}"'

    def checksum(self) -> str:
        return base64.b64encode(bytes.fromhex(self.content.sha256())).decode()


@dataclass
class Parts:
    storage_class: str
    contents: dict[int, Content] = field(default_factory=dict)


class BigS3:
    def __init__(self, vaults: Vaults) -> None:
        self.vaults = vaults
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, Parts] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _, key = bucket_and_key(environ)
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        try:
            handle: Handler = getattr(self, "_" + environ["REQUEST_METHOD"].lower())
            return handle(environ, start_response, key, query)
        except S3Error as error:
            return error.answer(environ, start_response)

    def _found(self, key: str, *, read: bool) -> Object:
        if key not in self.objects:
            raise S3Error(404, "NoSuchKey", key)
        found = self.objects[key]
        if read and found.storage_class in COLD and not found.restored:
            raise S3Error(403, "InvalidObjectState", "It must be restored first.")
        return found

    def _head(self, environ: Environ, start_response: StartResponse, key: str, query: Query) -> Iterable[bytes]:
        found = self._found(key, read=False)
        headers = {"ETag": found.etag, "Content-Length": str(found.content.size), "Content-Type": "x/y"}
        if found.storage_class != "STANDARD":
            headers["x-amz-storage-class"] = found.storage_class
        if found.restored:
            headers["x-amz-restore"] = 'ongoing-request="false", expiry-date="Fri, 21 Dec 2093 00:00:00 GMT"'
        return respond(start_response, 200, b"", headers)

    def _get(self, environ: Environ, start_response: StartResponse, key: str, query: Query) -> Iterable[bytes]:
        found = self._found(key, read=True)
        respond(start_response, 200, b"", {"ETag": found.etag, "Content-Length": str(found.content.size)})
        return found.content.chunks()

    def _delete(self, environ: Environ, start_response: StartResponse, key: str, query: Query) -> Iterable[bytes]:
        self.objects.pop(key, None)
        self.uploads.pop(query.get("uploadId", ""), None)
        return respond(start_response, 204)

    def _post(self, environ: Environ, start_response: StartResponse, key: str, query: Query) -> Iterable[bytes]:
        if "restore" in query:
            self._found(key, read=False).restored = True
            return respond(start_response, 202)
        if "uploads" in query:
            upload = f"upload-{len(self.uploads)}"
            self.uploads[upload] = Parts(environ.get("HTTP_X_AMZ_STORAGE_CLASS", "STANDARD"))
            return xml(start_response, "InitiateMultipartUploadResult", UploadId=upload)
        parts = self.uploads.pop(query["uploadId"])
        extents = [one for _, content in sorted(parts.contents.items()) for one in content.extents]
        self.objects[key] = Object(Content(extents), parts.storage_class)
        return xml(start_response, "CompleteMultipartUploadResult", ETag=self.objects[key].etag)

    def _put(self, environ: Environ, start_response: StartResponse, key: str, query: Query) -> Iterable[bytes]:
        source = environ.get("HTTP_X_AMZ_COPY_SOURCE")
        if source is None:
            size = int(environ["CONTENT_LENGTH"])
            content = Content([self.vaults.tape.write(get_input_stream(environ), size)])
        else:
            content = self._found(unquote(source).lstrip("/").partition("/")[2], read=True).content
            if found := re.fullmatch(r"bytes=(\d+)-(\d+)", environ.get("HTTP_X_AMZ_COPY_SOURCE_RANGE", "")):
                content = content.part(int(found[1]), int(found[2]) + 1)
        made = Object(content, environ.get("HTTP_X_AMZ_STORAGE_CLASS", "STANDARD"))
        if "uploadId" in query:
            self.uploads[query["uploadId"]].contents[int(query["partNumber"])] = content
        else:
            self.objects[key] = made
        if source is None:
            return respond(start_response, 200, b"", {"ETag": made.etag})
        name = "CopyPartResult" if "uploadId" in query else "CopyObjectResult"
        return xml(start_response, name, ETag=made.etag, ChecksumSHA256=made.checksum())


def xml(start_response: StartResponse, name: str, **parts: str) -> Iterable[bytes]:
    inner = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in parts.items())
    return respond(start_response, 200, f"<{name} {XML}>{inner}</{name}>", {"Content-Type": "application/xml"})


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> None:
    clock = Clock()
    vaults = Vaults(clock, Rules(seconds={"Expedited": 0, "Standard": 0, "Bulk": 0}))
    s3 = BigS3(vaults)
    app = Glacier(s3, vaults, Teller(vaults, lambda: False))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    told = []
    for megabytes in sys.argv[1:]:
        digest, extents = hashlib.sha256(), []
        for _ in range(int(megabytes)):
            block = os.urandom(1024 * 1024)
            digest.update(block)
            extents.append(vaults.tape.write(BytesIO(block), len(block)))
        key = f"results/1/{megabytes}"
        s3.objects[key] = Object(Content(extents))
        told.append({"source_key": key, "size": s3.objects[key].content.size, "sha256": digest.hexdigest()})
    sys.stdout.write(json.dumps({"port": server.server_port, "objects": told}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
