"""A presigned URL: its signature, computed again by botocore, and its expiry.

Source: "Authenticating requests: using query parameters", Amazon S3 API reference (sigv4-query-string-auth).
"""

import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from devstack.aws.credentials import ACCESS_KEY, SECRET_KEY
from devstack.aws.wsgi import Environ, S3Error

_NEEDED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders")
#: Headers whose variable has no HTTP_ before it in WSGI.
_WITHOUT_PREFIX = ("content-type", "content-length")
_WEEK = 7 * 24 * 3600


def check_url(environ: Environ, now: datetime) -> None:
    """Refuse the request as S3 would, or return.

    Raises:
        S3Error: with S3's code, status and message.
    """
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    key, _, region, service, _ = _parameters(query)
    if key != ACCESS_KEY:
        raise S3Error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            AWSAccessKeyId=key,
        )
    expires = _signed_at(query) + timedelta(seconds=int(query["X-Amz-Expires"]))
    if now > expires:
        raise S3Error(
            403,
            "AccessDenied",
            "Request has expired",
            **{
                "X-Amz-Expires": query["X-Amz-Expires"],
                "Expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
                "ServerTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            },
        )
    signer = S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), service, region)
    request = _as_signed(environ, query)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if not hmac.compare_digest(expected, query["X-Amz-Signature"]):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            AWSAccessKeyId=key,
        )


def _parameters(query: dict[str, str]) -> list[str]:
    """Return the five parts of the credential, once every parameter has been seen to be there and sound."""
    parts = query.get("X-Amz-Credential", "").split("/")
    try:
        _signed_at(query)
        sound = 0 <= int(query["X-Amz-Expires"]) <= _WEEK and query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    except (KeyError, ValueError):
        sound = False
    if not sound or len(parts) != 5 or any(name not in query for name in _NEEDED):
        raise S3Error(
            400,
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    return parts


def _signed_at(query: dict[str, str]) -> datetime:
    return datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _as_signed(environ: Environ, query: dict[str, str]) -> AWSRequest:
    """Return the request as its signer saw it: path and query as sent, and the signed headers alone."""
    path, _, raw_query = environ["RAW_URI"].partition("?")
    kept = "&".join(part for part in raw_query.split("&") if not part.startswith("X-Amz-Signature="))
    headers = {}
    for name in query["X-Amz-SignedHeaders"].split(";"):
        variable = name.upper().replace("-", "_")
        headers[name] = environ.get(variable if name in _WITHOUT_PREFIX else f"HTTP_{variable}", "")
    url = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}{path}?{kept}"
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url, headers=headers)
    request.context["timestamp"] = query["X-Amz-Date"]
    return request
