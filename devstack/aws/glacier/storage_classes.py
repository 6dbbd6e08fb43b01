"""S3's Glacier storage classes: retrievals that take time, end, are refused, and send events.

moto restores at once and for good, and knows no RestoreStatus in listings, no limit to a copy's size, and no
checksums of copied parts. Here the restores are ours; moto is only told whether an object can be read now. Source:
RestoreObject, CopyObject, UploadPartCopy and ListObjectsV2 in the Amazon S3 API reference.
"""

import base64
import hashlib
import io
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus
from xml.etree import ElementTree as ET

from moto.s3 import notifications
from moto.s3.models import s3_backends
from werkzeug.wsgi import get_input_stream

from devstack.aws.credentials import ACCOUNT
from devstack.aws.glacier.retrieval import TIERS, Clock, Rules
from devstack.aws.operations import operation
from devstack.aws.wsgi import App, Environ, Headers, S3Error, StartResponse, bucket_and_key, respond

ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}
_XML = "http://s3.amazonaws.com/doc/2006-03-01/"


logger = logging.getLogger(__name__)


@dataclass
class Restore:
    """Of one object, which may since have been replaced by another of its name."""

    key: Any
    tier: str
    ready_at: float
    days: int
    told: bool = False

    def expires_at(self) -> datetime:
        """Return midnight, UTC, after this many days."""
        end = datetime.fromtimestamp(self.ready_at, UTC) + timedelta(days=self.days)
        return end.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


class ColdStorage:
    def __init__(self, app: App, clock: Clock, rules: Rules) -> None:
        self.app, self.clock, self.rules = app, clock, rules
        #: Called when there will be an event to send later.
        self.wake: Callable[[], None] = lambda: None
        #: Retrievals that were paid for, over all time.
        self.paid = 0
        self._restores: dict[tuple[str, str], Restore] = {}
        self._lock = threading.RLock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = operation(environ)
        if call.service != "s3":
            return self.app(environ, start_response)
        try:
            return self._call(call.action, environ, start_response)
        except S3Error as error:
            return error.answer(environ, start_response)

    def _call(self, action: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        bucket, key = bucket_and_key(environ)
        if action == "RestoreObject":
            return self._restore(environ, start_response, bucket, key)
        if action in {"GetObject", "HeadObject"}:
            return self._read(environ, start_response, bucket, key)
        if action in {"CopyObject", "UploadPartCopy"}:
            return self._copy(action, environ, start_response)
        if "HTTP_X_AMZ_OPTIONAL_OBJECT_ATTRIBUTES" in environ and action.startswith("ListObjects"):
            return self._list(environ, start_response, bucket)
        return self.app(environ, start_response)

    def tell(self) -> bool:
        """Send s3:ObjectRestore:Completed for what has become readable; True while something is under way."""
        with self._lock:
            ready = [one for one in self._restores.values() if one.ready_at <= self.clock.seconds()]
            due = [one for one in ready if not one.told]
            for one in due:
                one.told = True
            waiting = len(self._restores) > len(ready)
        for one in due:
            event = notifications.S3NotificationEvent.OBJECT_RESTORE_COMPLETED_EVENT
            try:
                notifications.send_event(ACCOUNT, event, _bucket(one.key.bucket_name), one.key)
            except Exception:  # its bucket, or the queue, is gone: the other events are sent all the same
                logger.warning("a notice about %s could not be sent", one.key.name, exc_info=True)
        return waiting

    # --- Restoring

    def _restore(self, environ: Environ, start_response: StartResponse, bucket: str, key: str) -> Iterable[bytes]:
        body = get_input_stream(environ).read()
        found = _object(bucket, key)
        if found is None or found.storage_class not in ARCHIVED:
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
            return self.app(environ, start_response)  # which knows what to say
        tree = ET.fromstring(body)  # noqa: S314  (from our own clients)
        tier = tree.findtext(f".//{{{_XML}}}Tier") or "Standard"
        days = int(tree.findtext(f".//{{{_XML}}}Days") or 0)
        if tier not in TIERS or days < 1:
            raise S3Error(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")
        if tier == "Expedited" and found.storage_class == "DEEP_ARCHIVE":
            raise S3Error(400, "InvalidArgument", "Retrieval option is not supported by this storage class")
        with self._lock:
            status = self._ask(bucket, found, tier, days)
        self.wake()
        return respond(start_response, status)

    def _ask(self, bucket: str, key: Any, tier: str, days: int) -> int:
        """Return the answer's status: 202 for a retrieval, 200 for a longer life of its copy."""
        now, present = self.clock.seconds(), self._present(bucket, key)
        if present is not None and present.ready_at <= now:
            present.days = days
            return 200
        if present is not None and TIERS.index(tier) <= TIERS.index(present.tier):
            raise S3Error(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
        if tier == "Expedited" and self.rules.take("refuse_expedited"):
            raise S3Error(
                503,
                "GlacierExpeditedRetrievalNotAvailable",
                "Glacier expedited retrievals are currently not available, please try again later",
            )
        self._restores[bucket, key.name] = Restore(key, tier, now + self.rules.seconds[tier], days)
        self.paid += 1
        return 202

    def _present(self, bucket: str, key: Any) -> Restore | None:
        """Return the current restore of this object."""
        found = self._restores.get((bucket, key.name))
        if found is None:
            return None
        if found.key is not key or self.clock.now() >= found.expires_at():
            del self._restores[bucket, key.name]
            return None
        return found

    def _settle(self, bucket: str, key: str) -> tuple[Any, Restore | None]:
        """Tell moto whether the object can be read, by the expiry that its copy has or has not."""
        found = _object(bucket, key)
        if found is None or found.storage_class not in ARCHIVED:
            return found, None
        with self._lock:
            present = self._present(bucket, found)
            readable = present is not None and present.ready_at <= self.clock.seconds()
            found.status = "RESTORED"  # so that moto sends no event by itself
            found.set_expiry(present.expires_at().replace(tzinfo=None) if present and readable else None)
        return found, present

    # --- Reading

    def _read(self, environ: Environ, start_response: StartResponse, bucket: str, key: str) -> Iterable[bytes]:
        _, present = self._settle(bucket, key)
        if present is None or present.ready_at <= self.clock.seconds():
            return self.app(environ, start_response)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            kept = [(name, value) for name, value in headers if name.lower() != "x-amz-restore"]
            return start_response(status, [*kept, ("x-amz-restore", 'ongoing-request="true"')])

        return self.app(environ, start)

    def _copy(self, action: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        source = unquote(environ["HTTP_X_AMZ_COPY_SOURCE"].partition("?")[0]).lstrip("/")
        found, present = self._settle(*source.split("/", 1))
        if found is None:
            return self.app(environ, start_response)
        wanted = environ.get("HTTP_X_AMZ_COPY_SOURCE_IF_MATCH")
        if wanted and wanted.strip('"') != found.etag.strip('"'):
            raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        if action == "UploadPartCopy":
            return self._copy_part(environ, start_response, found, present)
        if found.size > self.rules.copy_max_bytes:
            told = "The specified copy source is larger than the maximum allowable size for a copy source: "
            raise S3Error(400, "InvalidRequest", told + str(self.rules.copy_max_bytes))
        body, status, headers = _answer(self.app, environ)
        if status.startswith("200") and self.rules.take("damage"):
            copied = _object(*bucket_and_key(environ))
            body = body.replace(_sha256(copied).encode(), damaged(copied).encode())
        return respond(start_response, int(status[:3]), body, dict(headers))

    def _copy_part(
        self, environ: Environ, start_response: StartResponse, found: Any, present: Restore | None
    ) -> Iterable[bytes]:
        """With the part's checksum in the answer, where the upload has an algorithm."""
        if found.storage_class in ARCHIVED and (present is None or present.ready_at > self.clock.seconds()):
            raise S3Error(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
        body, status, headers = _answer(self.app, environ)
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        upload = _bucket(bucket_and_key(environ)[0]).multiparts.get(query["uploadId"])
        if status.startswith("200") and upload and upload.metadata.get("x-amz-checksum-algorithm") == "SHA256":
            ET.register_namespace("", _XML)
            tree = ET.fromstring(body)  # noqa: S314  (moto's own)
            part = upload.parts[int(query["partNumber"])]
            digest = damaged(part) if self.rules.take("damage") else _sha256(part)
            namespace = tree.tag.rpartition("}")[0] + "}" if "}" in tree.tag else ""
            ET.SubElement(tree, f"{namespace}ChecksumSHA256").text = digest
            body = ET.tostring(tree, encoding="utf-8", xml_declaration=True)
        kept = {name: value for name, value in headers if name.lower() != "content-length"}
        return respond(start_response, int(status[:3]), body, kept)

    def _list(self, environ: Environ, start_response: StartResponse, bucket: str) -> Iterable[bytes]:
        """With RestoreStatus, where an object has one."""
        body, status, headers = _answer(self.app, environ)
        if status.startswith("200"):
            ET.register_namespace("", _XML)
            tree = ET.fromstring(body)  # noqa: S314  (moto's own)
            decode = unquote_plus if tree.findtext(f"{{{_XML}}}EncodingType") == "url" else str
            for item in tree.iter(f"{{{_XML}}}Contents"):
                _, present = self._settle(bucket, decode(item.findtext(f"{{{_XML}}}Key") or ""))
                if present is not None:
                    self._add_status(item, present)
            body = ET.tostring(tree, encoding="utf-8", xml_declaration=True)
        kept = {name: value for name, value in headers if name.lower() != "content-length"}
        return respond(start_response, int(status[:3]), body, kept)

    def _add_status(self, item: ET.Element, present: Restore) -> None:
        under_way = present.ready_at > self.clock.seconds()
        status = ET.SubElement(item, f"{{{_XML}}}RestoreStatus")
        ET.SubElement(status, f"{{{_XML}}}IsRestoreInProgress").text = str(under_way).lower()
        if not under_way:
            ET.SubElement(status, f"{{{_XML}}}RestoreExpiryDate").text = f"{present.expires_at():%Y-%m-%dT%H:%M:%SZ}"


def damaged(key: Any) -> str:
    """Return the checksum of an object in which a byte was changed just now, as by a failing disk."""
    value = key.value
    key.value = bytes([value[0] ^ 1]) + value[1:]
    return _sha256(key)


def _sha256(key: Any) -> str:
    return base64.b64encode(hashlib.sha256(key.value).digest()).decode()


def _bucket(name: str) -> Any:
    return s3_backends[ACCOUNT]["aws"].buckets[name]


def _object(bucket: str, key: str) -> Any:
    """moto's, or None."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    held = found.keys.get(key) if found else None
    return held if hasattr(held, "storage_class") else None  # a delete marker has none


def _answer(app: App, environ: Environ) -> tuple[bytes, str, Headers]:
    told: dict[str, Any] = {}

    def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
        told.update(status=status, headers=headers)

    body = b"".join(app(environ, start))
    return body, told["status"], told["headers"]
