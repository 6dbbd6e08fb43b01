"""Completion notices in every shape in which AWS sends them are read; forged and broken ones change nothing.

Shapes from AWS's documentation: "Configuring Vault Notifications" and "GlacierJobDescription" (Glacier developer
guide), "Event message structure" and "EventBridge event message structure" (S3 user guide), and "Amazon SNS message
and JSON formats" (SNS developer guide).
"""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gas.aws.notices import RetrievalNotice, parse

ACCOUNT = "123456789012"
ARCHIVE = (
    "kKB7ymWJVpPSwhGP6ycSOAekp9ZYe_--zM_mw6k76ZFGEIWQX-ybtRDvc2VkPSDtfKmQrj0IRQLSGsNuDp-"
    "AJVlu2ccmDSyDUmZwKbwbpAdGATGDiB3hHO0bjbGehXTcApVud_wyDw"
)
JOB = "l7IL5-EkXyEY9Ws95fClzIbk2O5uLYaFdAYOi-azsX_Z8V6NH4yERHzars8wTKYQMX6nBDI9cMNHzyZJO59-8N9aHWav"
KEY = "archive/1/2b1c/annot 1+2.vcf.gz"


def of_vault(**other: Any) -> dict[str, Any]:
    return {
        "Action": "ArchiveRetrieval",
        "ArchiveId": ARCHIVE,
        "ArchiveSHA256TreeHash": "9628195fcdbcbbe76cdde932d4646fa7de5f219fb39823836d81f0cc0e18aa67",
        "ArchiveSizeInBytes": 3145728,
        "Completed": True,
        "CompletionDate": "2015-07-18T01:01:13.840Z",
        "CreationDate": "2015-07-17T21:16:13.840Z",
        "InventoryRetrievalParameters": None,
        "InventorySizeInBytes": None,
        "JobDescription": "restore",
        "JobId": JOB,
        "RetrievalByteRange": "0-3145727",
        "SHA256TreeHash": "9628195fcdbcbbe76cdde932d4646fa7de5f219fb39823836d81f0cc0e18aa67",
        "SNSTopic": f"arn:aws:sns:us-east-1:{ACCOUNT}:gas-glacier",
        "StatusCode": "Succeeded",
        "StatusMessage": "Succeeded",
        "Tier": "Standard",
        "VaultARN": f"arn:aws:glacier:us-east-1:{ACCOUNT}:vaults/gas-archive",
        **other,
    }


def of_s3(bucket: str = "gas-results", key: str = KEY, **other: Any) -> dict[str, Any]:
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": "ObjectRestore:Completed",
        "userIdentity": {"principalId": "AmazonCustomer:A1B2C3D4E5F6G7"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
        "responseElements": {
            "x-amz-request-id": "C3D13FE58DE4C810",
            "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5W",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "restored",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": key.replace("+", "%2B").replace(" ", "+"),
                "size": 1024,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            },
        },
        "glacierEventData": {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": "2026-01-05T00:00:00.000Z",
                "lifecycleRestoreStorageClass": "GLACIER",
            }
        },
        **other,
    }
    return {"Records": [record]}


def of_event_bridge(**other: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "6924de0d-13e2-6bbf-c0c1-b903b753565e",
        "detail-type": "Object Restore Completed",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": "2021-11-12T00:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::gas-results"],
        "detail": {
            "version": "0",
            "bucket": {"name": "gas-results"},
            "object": {
                "key": KEY,
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "KKsjUC1.6gIjqtvhfg5AdMI0eCePIiT3",
            },
            "request-id": "189F19CB7FB1B6A4",
            "requester": "s3.amazonaws.com",
            "restore-expiry-time": "2021-11-13T00:00:00Z",
            "source-storage-class": "GLACIER",
        },
        **other,
    }


def through_sns(message: Any, topic: str = f"arn:aws:sns:us-east-1:{ACCOUNT}:gas-glacier") -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162",
        "TopicArn": topic,
        "Subject": "Notification From Amazon Glacier",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2012-06-12T23:50:50.386Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRNwm1LFQL4ICB0bnXrdB8ClRMTQFGBqwLpGbM78tJ4etTwC5zU7O3tS6tGpey3ejedNdOJ==",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb72.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:x",
    }


OF_VAULT = [RetrievalNotice("vault", ARCHIVE, JOB, ok=True)]
OF_CLASS = [RetrievalNotice("class", KEY, KEY, ok=True)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (through_sns(of_vault()), OF_VAULT),
        (of_vault(), OF_VAULT),
        (through_sns(of_vault(StatusCode="Failed")), [RetrievalNotice("vault", ARCHIVE, JOB, ok=False)]),
        (of_s3(), OF_CLASS),
        (of_s3(eventName="s3:ObjectRestore:Completed"), OF_CLASS),
        (through_sns(of_s3()), OF_CLASS),
        (of_event_bridge(), OF_CLASS),
        (through_sns(of_event_bridge()), OF_CLASS),
    ],
    ids=[
        "vault through SNS",
        "vault raw",
        "vault failed",
        "S3",
        "S3 with prefix",
        "S3 through SNS",
        "EventBridge",
        "EventBridge through SNS",
    ],
)
def test_a_notice_is_read(message: Any, expected: list[RetrievalNotice]) -> None:
    assert parse(json.dumps(message)) == expected


def test_several_of_s3_in_one_message_are_all_read() -> None:
    records = of_s3(key="archive/1")["Records"] + of_s3(key="archive/2")["Records"]
    assert [one.archive_id for one in parse(json.dumps({"Records": records}))] == ["archive/1", "archive/2"]


@pytest.mark.parametrize(
    "message",
    [
        of_vault(VaultARN=f"arn:aws:glacier:us-east-1:{ACCOUNT}:vaults/gas-archive2"),
        of_vault(VaultARN="arn:aws:glacier:us-east-1:999999999999:vaults/gas-archive"),
        of_vault(VaultARN=f"arn:aws:glacier:eu-west-1:{ACCOUNT}:vaults/gas-archive"),
        of_vault(VaultARN=None),
        of_vault(Action="InventoryRetrieval", ArchiveId=None),
        of_vault(StatusCode="InProgress"),
        of_vault(JobId=["a list"]),
        of_vault(ArchiveId="x" * 2000),
        of_vault(ArchiveId="a\nb"),
        {"VaultARN": f"arn:aws:glacier:us-east-1:{ACCOUNT}:vaults/gas-archive"},
        through_sns(of_vault(), topic="arn:aws:sns:us-east-1:999999999999:gas-glacier"),
        through_sns("not JSON"),
        through_sns(json.dumps("a string")),
        through_sns(through_sns(of_vault())),
        {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-east-1:1:x", "Token": "x", "Message": "y"},
        of_s3(bucket="another-bucket"),
        of_s3(key="results/1/annot.vcf.gz"),
        of_s3(eventName="ObjectRestore:Post"),
        of_s3(eventName="ObjectRestore:Delete"),
        of_s3(eventSource="aws:ses"),
        of_s3(s3=None),
        {"Records": "none"},
        {"Records": [None]},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "gas-results"},
        of_event_bridge(account="999999999999"),
        of_event_bridge(**{"detail-type": "Object Created"}),
        of_event_bridge(detail={"bucket": {"name": "another"}, "object": {"key": KEY}}),
        of_event_bridge(detail=[]),
        {"task": "a message of Celery"},
        [],
        None,
    ],
)
def test_what_is_not_ours_is_dropped_with_a_reason(message: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gas.aws.notices"):
        assert parse(json.dumps(message)) == []
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == ["a notice was dropped"]


@pytest.mark.parametrize(
    "body", ["", "{", "[" * 50_000, "{}" + " " * 70_000, '{"Records": [' + "1," * 100_000 + "1]}", "\x00", "NaN"]
)
def test_what_is_no_message_is_dropped(body: str) -> None:
    assert parse(body) == []


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(which=st.sampled_from([of_vault, of_s3, of_event_bridge]), data=st.data())
def test_whatever_is_changed_nothing_is_raised_and_nobody_elses_archive_named(which: Any, data: st.DataObject) -> None:
    """One value anywhere in a real message is replaced by any JSON."""
    message = which()
    place: Any = message
    while True:
        choice = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[choice], dict | list) and place[choice] and data.draw(st.booleans()):
            place = place[choice]
            continue
        place[choice] = data.draw(SHAPES)
        break
    for notice in parse(json.dumps(data.draw(st.sampled_from([message, through_sns(message)])))):
        assert isinstance(notice.archive_id, str)
        assert notice.route == "vault" or notice.archive_id.startswith("archive/")
