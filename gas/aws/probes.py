"""Health probes of AWS: one try each, with short time-outs."""

from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from django.conf import settings

from gas.aws.clients import AWSError

_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
QUEUE = "gas-annotate"


def queues_answer() -> bool:
    """Return whether SQS answers."""
    try:
        _client("sqs").get_queue_attributes(
            QueueUrl=f"{settings.SQS_QUEUE_URL_BASE}{QUEUE}", AttributeNames=["ApproximateNumberOfMessages"]
        )
    except AWSError:
        return False
    return True


def storage_answers() -> bool:
    """Return whether the bucket of results answers."""
    try:
        _client("s3").head_bucket(Bucket=settings.S3_RESULTS_BUCKET)
    except AWSError:
        return False
    return True


@lru_cache
def _client(service: str) -> Any:
    return boto3.session.Session().client(  # type: ignore[call-overload]
        service, region_name=settings.AWS_REGION, endpoint_url=settings.AWS_ENDPOINT_URL or None, config=_CONFIG
    )
