"""What a deployment makes before the service starts: buckets, queues, vault, topic, sender. Safe to repeat."""

import json
from email.utils import parseaddr
from typing import Any

import boto3
from botocore.config import Config

from devstack.credentials import ACCESS_KEY, REGION, SECRET_KEY

QUEUES = ("gas-annotate", "gas-archive", "gas-restore", "gas-default")
VAULT = "gas-archive"
TOPIC = "gas-glacier"
#: After so many deliveries a message goes to its dead-letter queue.
MAX_RECEIVES = 5
#: What a browser needs: POST to upload, GET and HEAD to read results where they are.
_CORS = {
    "inputs": {"AllowedMethods": ["POST"], "ExposeHeaders": ["ETag", "Location"]},
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
    _vault(client("glacier", endpoint_url))
    client("sns", endpoint_url).create_topic(Name=TOPIC)
    client("ses", endpoint_url).verify_email_identity(EmailAddress=parseaddr(sender)[1])


def _bucket(s3: Any, name: str, web_origin: str, cors: dict[str, Any]) -> None:
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name)
    rule = {"AllowedOrigins": [web_origin], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3000, **cors}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def _queue(sqs: Any, name: str, visibility_timeout: int) -> None:
    dead = sqs.create_queue(QueueName=f"{name}-dead", Attributes={"MessageRetentionPeriod": "1209600"})
    arn = sqs.get_queue_attributes(QueueUrl=dead["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    # Set afterwards: creating a queue again with other attributes is an error.
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
    attributes = {"VisibilityTimeout": str(visibility_timeout), "RedrivePolicy": redrive}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def _vault(glacier: Any) -> None:
    """Never made again: moto empties a vault that is created a second time."""
    pages = glacier.get_paginator("list_vaults").paginate(accountId="-")
    if VAULT not in {vault["VaultName"] for page in pages for vault in page["VaultList"]}:
        glacier.create_vault(accountId="-", vaultName=VAULT)
