"""Cached boto3 clients: one region, one endpoint, bounded time-outs, standard retries."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

#: What a caller may catch when AWS cannot be reached or refuses. Boto3Error: an upload of a file wraps the others.
AWSError = (BotoCoreError, ClientError, Boto3Error)
#: How many times a call is tried, including the first.
ATTEMPTS = 7


def _client(service: str, attempts: int = ATTEMPTS) -> Any:
    # A session of its own: boto3's default session is not safe to share between threads.
    return boto3.session.Session().client(  # type: ignore[call-overload]
        service,
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL or None,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": attempts},
            signature_version="s3v4" if service == "s3" else None,
            s3={
                "addressing_style": "path" if settings.AWS_ENDPOINT_URL else "virtual",
                # Otherwise us-east-1 uses a global host, which the content security policy forbids.
                "us_east_1_regional_endpoint": "regional",
            },
        ),
    )


@lru_cache
def s3(*, attempts: int = ATTEMPTS) -> "S3Client":
    """Return the S3 client that tries each call `attempts` times."""
    return _client("s3", attempts)  # type: ignore[no-any-return]


@lru_cache
def sqs() -> "SQSClient":
    """Return the SQS client."""
    return _client("sqs")  # type: ignore[no-any-return]


@lru_cache
def glacier(*, attempts: int = ATTEMPTS) -> Any:
    """Return the client of the vault service. `attempts=1` for calls that cost money even if the response is lost."""
    return _client("glacier", attempts)


def error_code(error: Exception) -> str:
    """Return AWS's code of an error, such as `NoSuchKey` or `404`; "" if the request never reached AWS."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""
