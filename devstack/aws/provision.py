"""What a deployment makes before the service starts: buckets, queues, vault, topic, sender. Safe to repeat."""

import json
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

import boto3
from botocore.config import Config

from devstack.aws.credentials import ACCESS_KEY, REGION, SECRET_KEY

QUEUES = ("gas-annotate", "gas-archive", "gas-restore", "gas-webhooks", "gas-default")
VAULT = "gas-archive"
TOPIC = "gas-glacier"
#: Glacier's topic and the results bucket tell it of finished retrievals. No Celery worker consumes it.
NOTICES_QUEUE = "gas-glacier-notices"
NOTICES_VISIBILITY_SECONDS = 60
#: Where the storage-class route keeps its archives.
ARCHIVE_PREFIX = "archive/"
#: Deliveries after which a message goes to its dead-letter queue.
MAX_RECEIVES = 5
#: What a browser needs: POST and PUT to upload, GET and HEAD to read results where they are.
_CORS = {
    "inputs": {"AllowedMethods": ["POST", "PUT"], "ExposeHeaders": ["ETag", "Location"]},
    "results": {
        "AllowedMethods": ["GET", "HEAD"],
        "ExposeHeaders": ["ETag", "Content-Length", "Content-Range"],
    },
}


def client(service: str, endpoint_url: str) -> Any:
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 5},
            proxies={},  # it is on this machine, whatever the environment's proxy is
        ),
    )


def provision(
    endpoint_url: str,
    *,
    web_origin: str,
    inputs_bucket: str = "gas-inputs",
    results_bucket: str = "gas-results",
    sender: str = "no-reply@gas.example",
    visibility_timeout: int = 1980,
) -> None:
    """Make what is missing, and set what may be set again.

    Args:
        endpoint_url: of the embedded AWS.
        web_origin: scheme, host and port of the site, which the buckets' CORS rules let in.
        sender: the address that mail comes from, with or without a name.
        visibility_timeout: of the work queues, in seconds.
    """
    s3 = client("s3", endpoint_url)
    for name, cors in ((inputs_bucket, _CORS["inputs"]), (results_bucket, _CORS["results"])):
        _bucket(s3, name, web_origin, cors)
    sqs = client("sqs", endpoint_url)
    for name in QUEUES:
        _queue(sqs, name, visibility_timeout)
    glacier = client("glacier", endpoint_url)
    _vault(glacier)
    topic = client("sns", endpoint_url).create_topic(Name=TOPIC)["TopicArn"]
    notices = _queue(sqs, NOTICES_QUEUE, NOTICES_VISIBILITY_SECONDS, senders=[topic, f"arn:aws:s3:::{results_bucket}"])
    client("sns", endpoint_url).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=notices)
    glacier.set_vault_notifications(
        vaultName=VAULT,
        vaultNotificationConfig={"SNSTopic": topic, "Events": ["ArchiveRetrievalCompleted"]},
    )
    _tell_of_restores(s3, results_bucket, notices)
    client("ses", endpoint_url).verify_email_identity(EmailAddress=parseaddr(sender)[1])


def _bucket(s3: Any, name: str, web_origin: str, cors: dict[str, Any]) -> None:
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name)
    rule = {"AllowedOrigins": [web_origin], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3000, **cors}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def _queue(sqs: Any, name: str, visibility_timeout: int, *, senders: Sequence[str] = ()) -> str:
    """Make or set a queue and its dead-letter queue, and return its ARN. `senders`: ARNs of what else may send."""
    dead = sqs.create_queue(QueueName=f"{name}-dead", Attributes={"MessageRetentionPeriod": "1209600"})
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = _arn(sqs, url)
    # Set afterwards: creating a queue again with other attributes is an error.
    redrive = json.dumps({"deadLetterTargetArn": _arn(sqs, dead["QueueUrl"]), "maxReceiveCount": MAX_RECEIVES})
    attributes = {"VisibilityTimeout": str(visibility_timeout), "RedrivePolicy": redrive}
    if senders:
        attributes["Policy"] = json.dumps(_policy(arn, senders))
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return arn


def _arn(sqs: Any, url: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def _policy(queue: str, senders: Sequence[str]) -> dict[str, Any]:
    """Only these may send, so that nobody else can wake the restore worker."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(senders)}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _tell_of_restores(s3: Any, bucket: str, queue: str) -> None:
    """The bucket's one notification configuration: setting it again replaces it."""
    archives = {"Key": {"FilterRules": [{"Name": "prefix", "Value": ARCHIVE_PREFIX}]}}
    told = {"Id": "restored", "QueueArn": queue, "Events": ["s3:ObjectRestore:Completed"], "Filter": archives}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]})


def _vault(glacier: Any) -> None:
    """Never made again: moto empties a vault that is created a second time."""
    pages = glacier.get_paginator("list_vaults").paginate(accountId="-")
    if VAULT not in {vault["VaultName"] for page in pages for vault in page["VaultList"]}:
        glacier.create_vault(accountId="-", vaultName=VAULT)
