"""What a bucket's CORS rules let a page do, and nothing more."""

import pytest
import requests

from tests.support.presigned import presign, send
from tests.support.processes import WEB


def preflight(endpoint, bucket, *, origin=WEB, method="POST", headers=""):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return requests.options(f"{endpoint}/{bucket}", headers=asked, timeout=10)


def cors(answer):
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def test_the_site_may_upload(endpoint):
    answer = preflight(endpoint, "gas-inputs", headers="content-type, x-requested-with")
    assert answer.status_code == 200
    assert cors(answer) == {
        "access-control-allow-origin": WEB,
        "access-control-allow-methods": "POST, PUT",
        "access-control-allow-headers": "content-type, x-requested-with",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag, Location",
        "access-control-max-age": "3000",
    }


@pytest.mark.parametrize(
    ("bucket", "asked"),
    [
        ("gas-inputs", {"origin": "http://127.0.0.1:8001"}),
        ("gas-inputs", {"method": "DELETE"}),
        ("gas-inputs", {"method": "GET"}),
        ("gas-results", {"method": "POST"}),
        ("no-such-bucket", {}),
    ],
)
def test_others_may_not(endpoint, bucket, asked):
    answer = preflight(endpoint, bucket, **asked)
    assert answer.status_code == 403
    assert "AccessForbidden" in answer.text
    assert cors(answer) == {}


def test_a_preflight_that_announces_nothing_is_refused(endpoint):
    assert requests.options(f"{endpoint}/gas-inputs", timeout=10).status_code == 400


def test_a_page_of_the_site_reads_answers_and_refusals(s3):
    form = presign(s3)
    for size, status in ((10, 204), (1001, 400)):
        fields = {**form["fields"]}
        answer = requests.post(
            form["url"], data=fields, files={"file": b"x" * size}, headers={"Origin": WEB}, timeout=10
        )
        assert answer.status_code == status
        assert cors(answer)["access-control-allow-origin"] == WEB
        assert cors(answer)["access-control-expose-headers"] == "ETag, Location"


def test_a_page_of_another_site_reads_nothing(endpoint, s3):
    s3.put_object(Bucket="gas-results", Key="read", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "gas-results", "Key": "read"})
    for origin in ("http://evil.example", f"{WEB}.evil.example"):
        assert cors(requests.get(url, headers={"Origin": origin}, timeout=10)) == {}
    assert cors(requests.get(url, headers={"Origin": WEB}, timeout=10))["access-control-allow-origin"] == WEB


def test_without_an_origin_nothing_is_said(s3):
    assert cors(send(presign(s3))) == {}


def test_rules_are_the_buckets_own_and_the_first_counts(endpoint, s3):
    s3.create_bucket(Bucket="open-bucket")
    rules = [
        {"AllowedOrigins": ["https://*.lab.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-amz-*"]},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
    ]
    s3.put_bucket_cors(Bucket="open-bucket", CORSConfiguration={"CORSRules": rules})
    assert preflight(endpoint, "open-bucket", origin="https://a.lab.example", method="PUT", headers="X-Amz-Meta-A").ok
    assert not preflight(endpoint, "open-bucket", origin="https://a.lab.example", method="PUT", headers="x-other").ok
    anyone = preflight(endpoint, "open-bucket", origin="https://else.example", method="GET")
    assert cors(anyone)["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in cors(anyone)


def test_a_page_cannot_order_faults(endpoint):
    answer = requests.post(
        f"{endpoint}/_devstack/faults", json={"rules": [{}]}, headers={"Origin": "http://evil.example"}, timeout=10
    )
    assert answer.status_code == 403
    assert requests.get(f"{endpoint}/_devstack/faults", timeout=10).json() == {"rules": []}
