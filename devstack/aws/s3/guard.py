"""What S3 enforces and moto does not: presigned POSTs, presigned URLs, and that nobody else gets in.

A form that passes becomes a PUT to moto, since moto's own handling of forms drops the content type, the
metadata's case and the ETag of the answer.
"""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.sax.saxutils import escape

from devstack.aws.credentials import ACCESS_KEY, REGION
from devstack.aws.s3.checksums import check_body
from devstack.aws.s3.multipart import Form, read_form
from devstack.aws.s3.post_policy import check_post
from devstack.aws.s3.presigned import check_url
from devstack.aws.wsgi import App, Environ, S3Error, StartResponse, bucket_and_key, respond

#: Form fields that become headers of the object, under the same name.
_OBJECT_FIELDS = ("cache-control", "content-disposition", "content-encoding", "expires")


class Guard:
    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if "HTTP_AUTHORIZATION" in environ or path.startswith("/moto-api/"):
            return self.app(environ, start_response)
        try:
            return self._unsigned(environ, start_response)
        except S3Error as error:
            return error.answer(environ, start_response)

    def _unsigned(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        now = datetime.now(UTC)
        names = {name for name, _ in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)}
        is_form = environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")
        if environ["REQUEST_METHOD"] == "POST" and is_form and not names:
            return self._post(environ, start_response, now)
        if "X-Amz-Signature" in names:
            check_url(environ, now)
            check_body(environ)
            return self.app(environ, start_response)
        if "Signature" in names and "AWSAccessKeyId" in names:
            raise S3Error(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            )
        raise S3Error(403, "AccessDenied", "Access Denied")

    def _post(self, environ: Environ, start_response: StartResponse, now: datetime) -> Iterable[bytes]:
        bucket, key = bucket_and_key(environ)
        if not bucket or key:
            raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        form = read_form(environ)
        try:
            # S3 puts the file's name in before it looks at the policy.
            form.fields["key"] = form.fields.get("key", "").replace("${filename}", form.filename)
            check_post(bucket, form, now)
            if not form.fields["key"]:
                raise S3Error(400, "InvalidArgument", "Bucket POST must contain a field named 'key'.")
            return self._put(environ, start_response, bucket, form)
        finally:
            if form.file is not None:
                form.file.close()

    def _put(self, environ: Environ, start_response: StartResponse, bucket: str, form: Form) -> Iterable[bytes]:
        seen: dict[str, str] = {"status": "500"}

        def remember(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            seen.update({name.lower(): value for name, value in headers}, status=status)

        body = b"".join(self.app(as_put(environ, bucket, form), remember))
        if not seen["status"].startswith("200"):
            return respond(start_response, int(seen["status"][:3]), body, {"Content-Type": "application/xml"})
        return self._created(environ, start_response, bucket, form.fields, seen.get("etag", ""))

    def _created(
        self, environ: Environ, start_response: StartResponse, bucket: str, fields: dict[str, str], etag: str
    ) -> Iterable[bytes]:
        key = fields["key"]
        location = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}/{bucket}/{quote(key)}"
        headers = {"ETag": etag, "Location": location}
        onward = fields.get("success_action_redirect")
        if onward:
            parts = urlsplit(onward)
            query = [*parse_qsl(parts.query), ("bucket", bucket), ("key", key), ("etag", etag)]
            headers["Location"] = f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(query)}"
            return respond(start_response, 303, b"", headers)
        status = fields.get("success_action_status")
        if status == "201":
            told = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
            inner = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in told.items())
            xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inner}</PostResponse>'
            return respond(start_response, 201, xml, {**headers, "Content-Type": "application/xml"})
        return respond(start_response, 200 if status == "200" else 204, b"", headers)


def as_put(environ: Environ, bucket: str, form: Form) -> Environ:
    """Return the same upload as a PUT. moto asks of an Authorization header only that there is one."""
    fields = form.fields
    path = f"/{bucket}/{quote(fields['key'])}"
    dropped = {"CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_TYPE", "HTTP_ORIGIN"}
    put = {name: value for name, value in environ.items() if name not in dropped}
    put |= {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": f"/{bucket}/{fields['key']}".encode().decode("latin-1"),
        "RAW_URI": path,
        "REQUEST_URI": path,
        "CONTENT_LENGTH": str(form.size),
        "CONTENT_TYPE": fields.get("content-type") or "binary/octet-stream",
        "HTTP_AUTHORIZATION": (
            f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{datetime.now(UTC):%Y%m%d}/{REGION}/s3/aws4_request, "
            "SignedHeaders=host, Signature=checked-already"
        ),
        "wsgi.input": form.file or io.BytesIO(),
    }
    for name, value in fields.items():
        if name in _OBJECT_FIELDS or name.startswith(("x-amz-meta-", "x-amz-server-side-", "x-amz-storage-class")):
            put["HTTP_" + name.upper().replace("-", "_")] = value
    if "acl" in fields:
        put["HTTP_X_AMZ_ACL"] = fields["acl"]
    return put
