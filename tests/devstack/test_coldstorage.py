"""S3's Glacier storage classes take their time, refuse, and say so, as AWS's do and moto's do not."""

import base64
import hashlib

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from devstack.aws.credentials import ACCESS_KEY, REGION, SECRET_KEY

BUCKET = "gas-results"
DAY = 24 * 3600


@pytest.fixture
def rules(endpoint):
    def change(**wanted):
        answer = requests.post(f"{endpoint}/_devstack/glacier", json=wanted, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    before = requests.get(f"{endpoint}/_devstack/glacier", timeout=10).json()["rules"]
    yield change
    change(**before)


@pytest.fixture
def cold(s3, request):
    """Makes an archived object, and gives its place."""

    def make(body=b"cold", storage_class="GLACIER"):
        place = {"Bucket": BUCKET, "Key": f"archive/{request.node.name}"}
        s3.put_object(**place, Body=body, StorageClass=storage_class)
        return place

    return make


def restore(s3, place, tier="Standard", days=1):
    request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
    return s3.restore_object(**place, RestoreRequest=request)["ResponseMetadata"]["HTTPStatusCode"]


def refusal(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def listed(s3, place):
    answer = s3.list_objects_v2(Bucket=BUCKET, Prefix=place["Key"], OptionalObjectAttributes=["RestoreStatus"])
    return answer["Contents"][0].get("RestoreStatus")


def test_a_restore_is_under_way_then_done_then_over(s3, rules, cold):
    place = cold()
    assert refusal(s3.get_object, **place) == (403, "InvalidObjectState")
    assert "Restore" not in s3.head_object(**place)
    assert listed(s3, place) is None
    assert restore(s3, place) == 202
    assert s3.head_object(**place)["Restore"] == 'ongoing-request="true"'
    assert listed(s3, place) == {"IsRestoreInProgress": True}
    assert refusal(s3.get_object, **place) == (403, "InvalidObjectState")
    rules(advance=60)
    assert s3.head_object(**place)["Restore"].startswith('ongoing-request="false", expiry-date="')
    status = listed(s3, place)
    assert not status["IsRestoreInProgress"]
    assert (status["RestoreExpiryDate"].hour, status["RestoreExpiryDate"].minute) == (0, 0)
    assert s3.get_object(**place)["Body"].read() == b"cold"
    assert s3.head_object(**place)["StorageClass"] == "GLACIER"
    rules(advance=3 * DAY)
    assert refusal(s3.get_object, **place) == (403, "InvalidObjectState")
    assert listed(s3, place) is None


def test_a_second_restore_is_refused_while_one_is_under_way(s3, rules, cold):
    place = cold()
    restore(s3, place)
    assert refusal(restore, s3=s3, place=place) == (409, "RestoreAlreadyInProgress")
    assert refusal(restore, s3=s3, place=place, tier="Bulk") == (409, "RestoreAlreadyInProgress")


def test_a_faster_tier_is_an_upgrade_and_is_paid_for(s3, rules, cold):
    place = cold()
    paid = rules()["class"]["paid"]
    restore(s3, place)
    assert restore(s3, place, tier="Expedited") == 202
    assert rules()["class"]["paid"] == paid + 2


def test_days_can_be_added_to_a_copy(s3, rules, cold):
    place = cold()
    restore(s3, place)
    rules(advance=60)
    before = listed(s3, place)["RestoreExpiryDate"]
    assert restore(s3, place, days=5) == 200
    assert (listed(s3, place)["RestoreExpiryDate"] - before).days == 4


def test_expedited_is_refused_as_often_as_asked_for(endpoint, rules, cold):
    place = cold()
    once = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION).client(
        "s3", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    )
    rules(refuse_expedited=1)
    refused = 503, "GlacierExpeditedRetrievalNotAvailable"
    assert refusal(restore, s3=once, place=place, tier="Expedited") == refused
    assert restore(once, place, tier="Expedited") == 202


def test_deep_archive_knows_no_expedited(s3, cold):
    place = cold(storage_class="DEEP_ARCHIVE")
    assert refusal(restore, s3=s3, place=place, tier="Expedited") == (400, "InvalidArgument")


def test_what_is_not_archived_cannot_be_restored(s3, cold):
    place = cold(storage_class="STANDARD")
    assert refusal(restore, s3=s3, place=place) == (403, "InvalidObjectState")
    assert refusal(restore, s3=s3, place={"Bucket": BUCKET, "Key": "archive/none"}) == (404, "NoSuchKey")


def test_an_object_that_was_replaced_is_not_restored(s3, rules, cold):
    place = cold()
    restore(s3, place)
    rules(advance=60)
    cold(b"another")
    assert refusal(s3.get_object, **place) == (403, "InvalidObjectState")


def test_a_copy_tells_the_checksum_and_changes_the_class(s3, rules, cold):
    place = cold(b"warm", "STANDARD")
    copy = {"Bucket": BUCKET, "Key": "archive/copied", "CopySource": place, "ChecksumAlgorithm": "SHA256"}
    answer = s3.copy_object(**copy, StorageClass="GLACIER")
    digest = base64.b64encode(hashlib.sha256(b"warm").digest()).decode()
    assert answer["CopyObjectResult"]["ChecksumSHA256"] == digest
    assert s3.head_object(Bucket=BUCKET, Key="archive/copied")["StorageClass"] == "GLACIER"
    rules(damage=1)
    assert s3.copy_object(**copy)["CopyObjectResult"]["ChecksumSHA256"] != digest


def test_a_cold_object_cannot_be_copied(s3, rules, cold):
    place = cold()
    copy = {"Bucket": BUCKET, "Key": "results/copied", "CopySource": place}
    assert refusal(s3.copy_object, **copy) == (403, "ObjectNotInActiveTierError")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="results/copied")["UploadId"]
    part = {**copy, "UploadId": upload, "PartNumber": 1}
    assert refusal(s3.upload_part_copy, **part) == (403, "InvalidObjectState")
    restore(s3, place)
    rules(advance=60)
    s3.copy_object(**copy)
    assert s3.get_object(Bucket=BUCKET, Key="results/copied")["Body"].read() == b"cold"
    assert s3.head_object(Bucket=BUCKET, Key="results/copied").get("StorageClass") is None
    s3.abort_multipart_upload(Bucket=BUCKET, Key="results/copied", UploadId=upload)


def test_a_large_source_is_copied_in_parts_only(s3, rules, cold):
    place = cold(b"x" * 1000, "STANDARD")
    rules(copy_max_bytes=999)
    target = {"Bucket": BUCKET, "Key": "archive/parts"}
    assert refusal(s3.copy_object, **target, CopySource=place) == (400, "InvalidRequest")
    upload = s3.create_multipart_upload(**target, ChecksumAlgorithm="SHA256", StorageClass="GLACIER")["UploadId"]
    part = {**target, "UploadId": upload, "PartNumber": 1, "CopySource": place, "CopySourceRange": "bytes=0-999"}
    etag = s3.head_object(**place)["ETag"]
    assert refusal(s3.upload_part_copy, **part, CopySourceIfMatch='"other"') == (412, "PreconditionFailed")
    told = s3.upload_part_copy(**part, CopySourceIfMatch=etag)["CopyPartResult"]
    assert told["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"x" * 1000).digest()).decode()
    done = [{"PartNumber": 1, "ETag": told["ETag"], "ChecksumSHA256": told["ChecksumSHA256"]}]
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": done})
    assert s3.head_object(**target)["StorageClass"] == "GLACIER"
