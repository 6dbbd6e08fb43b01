"""The policy of a presigned POST: its signature, its expiry, and its conditions on the form.

Source: "Creating a POST policy", Amazon S3 API reference (sigv4-HTTPPOSTConstructPolicy).
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from devstack.aws.credentials import ACCESS_KEY, SECRET_KEY
from devstack.aws.s3.multipart import Form
from devstack.aws.wsgi import S3Error

#: Fields that need no condition.
_FREE = {"x-amz-signature", "file", "policy"}


def check_post(bucket: str, form: Form, now: datetime) -> None:
    """Refuse the form as S3 would, or return.

    Raises:
        S3Error: with S3's code, status and message.
    """
    fields = form.fields
    if "policy" not in fields:
        raise S3Error(403, "AccessDenied", "Access Denied")
    if "x-amz-signature" not in fields:
        if "signature" in fields:
            raise S3Error(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            )
        raise S3Error(403, "AccessDenied", "Access Denied")
    check_signature(fields)
    policy = read_policy(fields["policy"])
    if now >= policy["expiration"]:
        raise denied("Policy expired.")
    check_conditions(policy["conditions"], {**fields, "bucket": bucket}, set(fields))
    check_size(policy["conditions"], form.size)
    if form.file is None:
        raise S3Error(400, "InvalidArgument", "POST requires exactly one file upload per request.",
            ArgumentName="file", ArgumentValue="0")  # fmt: skip


def denied(why: str) -> S3Error:
    return S3Error(403, "AccessDenied", f"Invalid according to Policy: {why}")


def check_signature(fields: Mapping[str, str]) -> None:
    credential = fields.get("x-amz-credential", "").split("/")
    if fields.get("x-amz-algorithm") != "AWS4-HMAC-SHA256" or len(credential) != 5 or "x-amz-date" not in fields:
        raise S3Error(400, "InvalidArgument", "The X-Amz-Algorithm, X-Amz-Credential and X-Amz-Date are needed.")
    key, date, region, service, _ = credential
    if key != ACCESS_KEY:
        raise S3Error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            AWSAccessKeyId=key,
        )
    signer = S3SigV4PostAuth(Credentials(ACCESS_KEY, SECRET_KEY), service, region)
    request = AWSRequest()
    request.context["timestamp"] = fields["x-amz-date"]
    expected = signer.signature(fields["policy"], request)
    same_day = fields["x-amz-date"].startswith(date)
    if not (same_day and hmac.compare_digest(expected, fields["x-amz-signature"])):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            AWSAccessKeyId=key,
        )


def read_policy(encoded: str) -> dict[str, Any]:
    """Decode a policy: {"expiration": aware datetime, "conditions": list}."""
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
        expiration = datetime.fromisoformat(policy["expiration"])
        conditions = policy["conditions"]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise S3Error(400, "InvalidPolicyDocument", f"Invalid Policy: {error}") from error
    if not isinstance(conditions, list):
        raise S3Error(400, "InvalidPolicyDocument", "Invalid Policy: conditions must be a list.")
    return {"expiration": expiration.replace(tzinfo=expiration.tzinfo or UTC), "conditions": conditions}


def check_conditions(conditions: list[Any], values: Mapping[str, str], sent: set[str]) -> None:
    """Every condition holds, and every field sent is named by one."""
    covered = set()
    for condition in conditions:
        for operator, name, wanted in _triples(condition):
            covered.add(name)
            given = values.get(name)
            if given is None or not _holds(operator, name, wanted, given):
                shown = json.dumps(condition)
                raise denied(f"Policy Condition failed: {shown}")
    extra = sorted(name for name in sent - covered - _FREE if not name.startswith("x-ignore-"))
    if extra:
        raise denied(f"Extra input fields: {', '.join(extra)}")


def _triples(condition: Any) -> list[tuple[str, str, str]]:
    """Return a condition as (operator, field, value); none for content-length-range, which is not about a field."""
    if isinstance(condition, dict):
        return [("eq", name.lower(), str(value)) for name, value in condition.items()]
    if isinstance(condition, list) and len(condition) == 3:
        operator = str(condition[0]).lower()
        if operator == "content-length-range":
            return []
        if operator in {"eq", "starts-with"} and str(condition[1]).startswith("$"):
            return [(operator, str(condition[1])[1:].lower(), str(condition[2]))]
    raise S3Error(400, "InvalidPolicyDocument", f"Invalid Policy: Invalid Condition: {json.dumps(condition)}")


def _holds(operator: str, name: str, wanted: str, given: str) -> bool:
    if operator == "eq":
        return given == wanted
    if name == "content-type" and "," in given:  # a list: each of them
        return all(one.startswith(wanted) for one in given.split(","))
    return given.startswith(wanted)


def check_size(conditions: list[Any], size: int) -> None:
    for condition in conditions:
        if not (isinstance(condition, list) and str(condition[0]).lower() == "content-length-range"):
            continue
        least, most = int(condition[1]), int(condition[2])
        if size > most:
            raise S3Error(
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                ProposedSize=size,
                MaxSizeAllowed=most,
            )
        if size < least:
            raise S3Error(
                400,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=size,
                MinSizeAllowed=least,
            )
