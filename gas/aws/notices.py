"""Parse Glacier's notices of finished retrievals from SQS. They are not trusted.

They arrive in four ways: from the vault's SNS topic, with SNS's envelope or raw; as S3 events, directly or through SNS;
and as S3 events through EventBridge. A notice is only a hint: Glacier is asked before anything is done.
So everything that is not clearly from our account, vault or bucket is dropped with a log line, and never raises.
The queue's policy must only let the topic, the bucket or the rule send. Formats: "GlacierJobDescription"
(Glacier developer guide); "Event message structure" and "EventBridge event message structure" (S3 user guide).
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings

from gas.aws.archives import Route
from gas.aws.glacier_class import PREFIX

#: SQS allows more in a message, and a real notice is far smaller.
MAX_CHARACTERS = 64 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrievalNotice:
    """A finished retrieval. `ok` is False when Glacier reports that it failed."""

    route: Route
    archive_id: str
    retrieval_id: str
    ok: bool


class _Dropped(Exception):
    """The message is not a valid notice. The text says why."""


def parse(body: str) -> list[RetrievalNotice]:
    """Yield the notices in the body of an SQS message, up to the first invalid one; none for any other message."""
    found: list[RetrievalNotice] = []
    try:
        found.extend(_parse(body))
    except _Dropped as reason:
        logger.warning("a notice was dropped: %s", reason)
    except Exception as error:
        logger.warning("a notice was dropped: it has no known shape (%s)", type(error).__name__)
    return found


def _parse(body: str) -> Iterator[RetrievalNotice]:
    message = _json(body)
    if message.get("Type") == "Notification" and "TopicArn" in message:
        _check_topic(str(message["TopicArn"]))
        message = _json(message["Message"])
    if "Records" in message:
        for record in message["Records"]:
            yield _from_s3(record)
    elif message.get("source") == "aws.s3":
        yield _from_event_bridge(message)
    elif "VaultARN" in message:
        yield _from_vault(message)
    elif message.get("Event") == "s3:TestEvent":  # S3 sends one when notifications are set up
        raise _Dropped("S3's test event")
    else:
        raise _Dropped("neither Glacier's nor S3's")


def _json(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise _Dropped(f"{len(text)} characters")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Dropped("not JSON") from error
    if not isinstance(found, dict):
        raise _Dropped("not an object")
    return found


def _account() -> str:
    """Return the service's own AWS account, which its queues' URLs contain."""
    return str(settings.SQS_QUEUE_URL_BASE).rstrip("/").rpartition("/")[2]


def _check_topic(arn: str) -> None:
    if not re.fullmatch(rf"arn:aws[a-z-]*:sns:{settings.AWS_REGION}:{_account()}:[\w.-]+", arn):
        raise _Dropped("another account's topic")


def _from_vault(job: dict[str, Any]) -> RetrievalNotice:
    vault = rf"arn:aws[a-z-]*:glacier:{settings.AWS_REGION}:{_account()}:vaults/{re.escape(settings.GLACIER_VAULT)}"
    if not re.fullmatch(vault, str(job["VaultARN"])):
        raise _Dropped("another vault")
    if job["Action"] != "ArchiveRetrieval" or job["StatusCode"] not in {"Succeeded", "Failed"}:
        raise _Dropped("not of a finished retrieval")
    return RetrievalNotice("vault", _id(job["ArchiveId"]), _id(job["JobId"]), job["StatusCode"] == "Succeeded")


def _from_s3(record: dict[str, Any]) -> RetrievalNotice:
    if record["eventSource"] != "aws:s3" or record["eventName"].removeprefix("s3:") != "ObjectRestore:Completed":
        raise _Dropped("another event of S3")
    return _of_object(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))


def _from_event_bridge(event: dict[str, Any]) -> RetrievalNotice:
    if event["detail-type"] != "Object Restore Completed" or event["account"] != _account():
        raise _Dropped("another event of S3, or another account's")
    return _of_object(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"])


def _of_object(bucket: str, key: str) -> RetrievalNotice:
    if bucket != settings.S3_RESULTS_BUCKET or not key.startswith(PREFIX):
        raise _Dropped("not one of our archives")
    return RetrievalNotice("class", _id(key), _id(key), ok=True)


def _id(text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= 1024 or not text.isprintable():
        raise _Dropped("not an id")
    return text
