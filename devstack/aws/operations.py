"""Which service and operation a request is for, as AWS's own API descriptions (botocore's) tell it."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from devstack.aws.wsgi import Environ


class Operation(NamedTuple):
    service: str  # botocore's name: s3, sqs, glacier, sns, ses, sesv2
    action: str  # such as ReceiveMessage; "" where it cannot be told


class Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    query: dict[str, str]
    action: str


#: S3's operations that share method and path: told by a header or a query key that is no part of the path.
_S3_BY_HEADER = {("PutObject", "HTTP_X_AMZ_COPY_SOURCE"): "CopyObject"}
_S3_BY_QUERY = {("PutObject", "uploadId"): "UploadPart", ("GetObject", "uploadId"): "ListParts"}


def operation(environ: Environ) -> Operation:
    """Return the operation of a request. Without an Authorization header it is one of S3: presigned, or anonymous."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([\w-]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    service = scope[1] if scope else "s3"
    path = environ["PATH_INFO"]
    if service == "ses" and path.startswith("/v2/"):
        service = "sesv2"
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Operation(service, target.rpartition(".")[2])
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if service in {"sns", "ses"}:
        return Operation(service, query.get("Action", ""))
    if service == "s3" and environ["REQUEST_METHOD"] == "POST" and "HTTP_AUTHORIZATION" not in environ:
        return Operation("s3", "PostObject")
    return Operation(service, _rest_action(service, environ, query))


def _rest_action(service: str, environ: Environ, query: dict[str, str]) -> str:
    method, path = environ["REQUEST_METHOD"], unquote(environ["PATH_INFO"])
    for route in routes(service):
        matches = route.method == method and route.path.fullmatch(path)
        if matches and all(query.get(key) == value for key, value in route.query.items()):
            action = route.action
            break
    else:
        return ""
    if service == "s3":
        for (plain, header), special in _S3_BY_HEADER.items():
            if action == plain and header in environ:
                return "UploadPartCopy" if "uploadId" in query else special
        for (plain, key), special in _S3_BY_QUERY.items():
            if action == plain and key in query:
                return special
    return action


@lru_cache
def routes(service: str) -> list[Route]:
    """Return a REST service's operations, the most particular first; none for other protocols.

    Read again from botocore's files: its S3 clients take the bucket out of the paths in the description that they hold.
    """
    try:
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError:
        return []
    if not model.protocol.startswith("rest"):
        return []
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        # PutObject before what else is put at an object's path, GetObject and so on likewise.
        pattern = re.sub(r"\\\{[^}]*\\\+\\\}", ".+", re.escape(path))
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        required = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
        found.append(Route(http["method"], re.compile(pattern + "/?"), required, name))
    plain = {"PutObject", "GetObject", "DeleteObject", "HeadObject"}
    return sorted(
        found, key=lambda route: (-len(route.query), route.path.pattern.count("+"), route.action not in plain)
    )
