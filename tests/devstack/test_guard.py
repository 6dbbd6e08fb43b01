"""Uploads and downloads are refused and let in as S3 does, through forms and URLs that boto3 signed."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import botocore.auth
import pytest
import requests
from botocore.config import Config

from devstack.aws.provision import client
from devstack.aws.s3.post_policy import check_conditions
from devstack.aws.wsgi import S3Error
from tests.support.presigned import BUCKET, TYPE, presign, send


def refusal(answer):
    """Return the refusal as (status, code, message)."""
    code, message = re.findall("<Code>(.*?)</Code><Message>(.*?)</Message>", answer.text)[0]
    return answer.status_code, code, message


@pytest.fixture
def an_hour_ago(monkeypatch):
    """boto3 signs as if it were an hour ago."""
    now = datetime.now(UTC).replace(tzinfo=None)

    def go():
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now - timedelta(hours=1))

    return go


class TestForm:
    def test_a_form_within_its_policy_is_stored_as_sent(self, s3):
        answer = send(presign(s3), b"x" * 1000)
        assert answer.status_code == 204
        stored = s3.get_object(Bucket=BUCKET, Key="uploads/1/input")
        assert stored["Body"].read() == b"x" * 1000
        assert stored["ContentType"] == TYPE
        assert answer.headers["ETag"] == stored["ETag"]
        assert answer.headers["Location"].endswith(f"/{BUCKET}/uploads/1/input")

    def test_a_body_of_several_megabytes_arrives_whole(self, s3):
        form = s3.generate_presigned_post(BUCKET, "big", Conditions=[["content-length-range", 1, 10_000_000]])
        body = bytes(range(256)) * 20_000 + b"\r\n--not-the-boundary\r\n"
        assert send(form, body).status_code == 204
        assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == body

    def test_metadata_and_a_wished_for_status_are_heeded(self, s3):
        fields = {"Content-Type": TYPE, "x-amz-meta-origin": "lab 7", "success_action_status": "201"}
        extra = [{"x-amz-meta-origin": "lab 7"}, {"success_action_status": "201"}]
        answer = send(presign(s3, "with/meta", fields=fields, conditions=extra))
        assert answer.status_code == 201
        assert "<Key>with/meta</Key>" in answer.text
        assert s3.head_object(Bucket=BUCKET, Key="with/meta")["Metadata"] == {"origin": "lab 7"}

    def test_the_file_name_is_filled_into_the_key(self, s3):
        form = presign(s3, "named/${filename}")
        assert send(form).status_code == 204
        assert s3.head_object(Bucket=BUCKET, Key="named/any name.vcf")

    def test_an_expired_policy_is_refused(self, s3):
        assert refusal(send(presign(s3, seconds=-1))) == (
            403,
            "AccessDenied",
            "Invalid according to Policy: Policy expired.",
        )

    @pytest.mark.parametrize(
        "changes",
        [{"key": "uploads/2/input"}, {"Content-Type": "text/html"}],
        ids=["another key", "another type"],
    )
    def test_a_field_other_than_the_policy_says_is_refused(self, s3, changes):
        status, code, message = refusal(send(presign(s3), **changes))
        assert (status, code) == (403, "AccessDenied")
        assert message.startswith("Invalid according to Policy: Policy Condition failed: ")

    def test_another_bucket_is_refused(self, s3):
        form = presign(s3)
        form["url"] = form["url"].replace(BUCKET, "gas-results")
        assert "Policy Condition failed" in refusal(send(form))[2]

    def test_a_missing_field_is_refused(self, s3):
        form = presign(s3)
        del form["fields"]["Content-Type"]
        assert "Policy Condition failed" in refusal(send(form))[2]

    def test_a_field_that_the_policy_does_not_name_is_refused(self, s3):
        assert refusal(send(presign(s3), acl="public-read")) == (
            403,
            "AccessDenied",
            "Invalid according to Policy: Extra input fields: acl",
        )

    def test_fields_to_be_ignored_need_no_condition(self, s3):
        assert send(presign(s3), **{"x-ignore-me": "yes"}).status_code == 204

    @pytest.mark.parametrize(("size", "code"), [(0, "EntityTooSmall"), (1001, "EntityTooLarge")])
    def test_a_file_out_of_the_size_range_is_refused(self, s3, size, code):
        assert refusal(send(presign(s3, "sized"), b"x" * size))[:2] == (400, code)
        assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="sized")

    def test_a_changed_policy_is_refused(self, s3):
        form = presign(s3)
        policy = json.loads(base64.b64decode(form["fields"]["policy"]))
        policy["conditions"].append(["content-length-range", 0, 10**9])
        changed = base64.b64encode(json.dumps(policy).encode()).decode()
        assert refusal(send(form, policy=changed))[:2] == (403, "SignatureDoesNotMatch")

    def test_another_secret_is_refused(self, endpoint):
        other = boto3.session.Session("devstack", "another-secret").client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(signature_version="s3v4")
        )
        assert refusal(send(presign(other)))[:2] == (403, "SignatureDoesNotMatch")

    def test_another_key_is_refused(self, endpoint):
        other = boto3.session.Session("stranger", "another-secret").client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(signature_version="s3v4")
        )
        assert refusal(send(presign(other)))[:2] == (403, "InvalidAccessKeyId")

    def test_a_form_without_policy_is_nobodys(self, endpoint):
        form = {"url": f"{endpoint}/{BUCKET}", "fields": {"key": "free/for/all"}}
        assert refusal(send(form))[:2] == (403, "AccessDenied")

    def test_a_form_without_file_is_refused(self, s3):
        form = s3.generate_presigned_post(BUCKET, "no-file")
        files = {name: (None, value) for name, value in form["fields"].items()}
        assert refusal(requests.post(form["url"], files=files, timeout=10))[:2] == (400, "InvalidArgument")

    def test_a_bucket_that_is_not_there_is_said_to_be(self, s3):
        form = s3.generate_presigned_post("no-such-bucket", "key")
        assert refusal(send(form))[:2] == (404, "NoSuchBucket")

    def test_a_broken_form_is_refused(self, endpoint):
        answer = requests.post(
            f"{endpoint}/{BUCKET}",
            data=b"no form at all",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            timeout=10,
        )
        assert answer.status_code in {400, 403}


class TestConditions:
    def test_starts_with_covers_lists_of_types(self):
        condition = ["starts-with", "$Content-Type", "image/"]
        check_conditions([condition], {"content-type": "image/png,image/gif"}, {"content-type"})
        with pytest.raises(S3Error, match="Policy Condition failed"):
            check_conditions([condition], {"content-type": "image/png,text/html"}, {"content-type"})

    @pytest.mark.parametrize("condition", [["is", "$key", "x"], ["eq", "key", "x"], "key"])
    def test_an_unknown_condition_is_refused(self, condition):
        with pytest.raises(S3Error, match="Invalid Policy"):
            check_conditions([condition], {"key": "x"}, {"key"})


class TestUrl:
    @pytest.fixture(autouse=True)
    def _object(self, s3):
        s3.put_object(Bucket="gas-results", Key="results/é 1+2/annot.vcf.gz", Body=b"result")

    def url(self, s3, seconds=60, operation="get_object", **parameters):
        place = {"Bucket": "gas-results", "Key": "results/é 1+2/annot.vcf.gz"}
        return s3.generate_presigned_url(operation, Params=place | parameters, ExpiresIn=seconds)

    def test_a_signed_url_downloads_under_the_given_name(self, s3):
        name = 'attachment; filename="sample 1.annot.vcf.gz"'
        answer = requests.get(self.url(s3, ResponseContentDisposition=name), timeout=10)
        assert (answer.status_code, answer.content) == (200, b"result")
        assert answer.headers["Content-Disposition"] == name

    def test_a_signed_url_is_for_its_method(self, s3):
        assert refusal(requests.delete(self.url(s3), timeout=10))[:2] == (403, "SignatureDoesNotMatch")
        assert s3.head_object(Bucket="gas-results", Key="results/é 1+2/annot.vcf.gz")

    def test_a_signed_put_is_stored(self, s3):
        url = self.url(s3, operation="put_object", Key="put/by/url", ContentType="text/plain")
        answer = requests.put(url, data=b"body", headers={"Content-Type": "text/plain"}, timeout=10)
        assert answer.status_code == 200
        other = requests.put(url, data=b"body", headers={"Content-Type": "text/html"}, timeout=10)
        assert refusal(other)[:2] == (403, "SignatureDoesNotMatch")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("annot.vcf.gz", "other.vcf.gz"),
            ("X-Amz-Expires=60", "X-Amz-Expires=600"),
            ("/gas-results/", "/gas-inputs/"),
        ],
    )
    def test_a_changed_url_is_refused(self, s3, old, new):
        answer = requests.get(self.url(s3).replace(old, new, 1), timeout=10)
        assert refusal(answer)[:2] == (403, "SignatureDoesNotMatch")

    def test_an_expired_url_is_refused(self, s3, an_hour_ago):
        an_hour_ago()
        assert requests.get(self.url(s3, seconds=3700), timeout=10).ok
        answer = requests.get(self.url(s3, seconds=3500), timeout=10)
        assert refusal(answer) == (403, "AccessDenied", "Request has expired")

    def test_another_key_is_refused(self, endpoint):
        other = boto3.session.Session("stranger", "x").client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(signature_version="s3v4")
        )
        assert refusal(requests.get(self.url(other), timeout=10))[:2] == (403, "InvalidAccessKeyId")

    def test_the_old_signature_is_not_taken(self, endpoint):
        old = boto3.session.Session("devstack", "devstack-secret").client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(signature_version="s3")
        )
        assert refusal(requests.get(self.url(old), timeout=10))[:2] == (400, "InvalidRequest")

    @pytest.mark.parametrize("query", ["X-Amz-Signature=0", "X-Amz-Signature=0&X-Amz-Expires=soon"])
    def test_a_url_without_its_parameters_is_refused(self, endpoint, query):
        answer = requests.get(f"{endpoint}/gas-results/results?{query}", timeout=10)
        assert refusal(answer)[:2] == (400, "AuthorizationQueryParametersError")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("path", ["gas-results/key", "gas-results", "gas-results?list-type=2", ""])
def test_nobody_gets_in_unsigned(endpoint, method, path):
    answer = requests.request(method, f"{endpoint}/{path}", timeout=10)
    assert refusal(answer)[:2] == (403, "AccessDenied")


def test_signed_calls_of_all_services_pass(endpoint):
    assert client("s3", endpoint).list_buckets()["Buckets"]
    assert client("sqs", endpoint).list_queues()["QueueUrls"]
    assert client("glacier", endpoint).list_vaults(accountId="-")["VaultList"]
    assert client("sns", endpoint).list_topics()["Topics"]
