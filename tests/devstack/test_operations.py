"""A request's operation is told from botocore's own descriptions."""

import pytest

from devstack.aws.operations import operation, routes
from gas.aws import clients


@pytest.fixture
def _read_anew():
    routes.cache_clear()
    yield
    routes.cache_clear()


@pytest.mark.usefixtures("aws", "_read_anew")
@pytest.mark.parametrize(
    ("method", "path", "query", "action"),
    [
        ("GET", "/gas-results", "list-type=2&prefix=archive%2F", "ListObjectsV2"),
        ("GET", "/gas-results", "prefix=archive%2F", "ListObjects"),
        ("POST", "/gas-results/archive/1/2", "restore", "RestoreObject"),
        ("GET", "/gas-results/archive/1/2", "", "GetObject"),
        ("PUT", "/gas-results", "cors", "PutBucketCors"),
    ],
)
def test_paths_are_as_published_though_clients_change_theirs(method, path, query, action):
    """An S3 client takes the bucket out of the path of each operation that it calls, in a description it may share."""
    s3 = clients.s3()
    s3.list_objects(Bucket="gas-results")
    s3.list_objects_v2(Bucket="gas-results")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=key/20261121/us-east-1/s3/aws4_request",
    }
    assert operation(environ) == ("s3", action)
