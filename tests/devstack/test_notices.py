"""Finished retrievals are announced in the notices queue, by both routes, in a form that the service reads."""

import json

import pytest
import requests

from devstack.aws.credentials import ACCOUNT
from devstack.aws.provision import ARCHIVE_PREFIX, NOTICES_QUEUE, VAULT, client
from devstack.waiting import wait_for
from gas.aws.notices import parse


@pytest.fixture
def notices(endpoint, sqs, settings):
    """What came of an archive since it was first asked for, as the service parses it: other tests retrieve too."""
    settings.SQS_QUEUE_URL_BASE = f"{endpoint}/{ACCOUNT}/"
    url = sqs.get_queue_url(QueueName=NOTICES_QUEUE)["QueueUrl"]
    found = []

    def read(*wanted):
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.extend(parse(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [notice for notice in found if notice.archive_id in wanted]

    return read


@pytest.fixture
def quick(endpoint):
    page = f"{endpoint}/_devstack/glacier"
    before = requests.get(page, timeout=10).json()["rules"]["seconds"]
    requests.post(page, json={"seconds": {"Expedited": 0.2}}, timeout=10)
    yield
    requests.post(page, json={"seconds": before}, timeout=10)


@pytest.mark.usefixtures("quick")
def test_the_vault_tells_through_its_topic(endpoint, notices):
    glacier = client("glacier", endpoint)
    archive = glacier.upload_archive(vaultName=VAULT, body=b"announced")["archiveId"]
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Expedited"}
    job = glacier.initiate_job(vaultName=VAULT, jobParameters=parameters)["jobId"]
    (notice,) = wait_for(lambda: notices(archive), 20, "the vault's notice")
    assert (notice.route, notice.archive_id, notice.retrieval_id, notice.ok) == ("vault", archive, job, True)
    glacier.delete_archive(vaultName=VAULT, archiveId=archive)


@pytest.mark.usefixtures("quick")
def test_the_bucket_tells_of_archives_and_of_nothing_else(s3, notices):
    wanted, other = f"{ARCHIVE_PREFIX}1/announced", "elsewhere"
    for key in (other, wanted):
        s3.put_object(Bucket="gas-results", Key=key, Body=b"cold", StorageClass="GLACIER")
        request = {"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}
        s3.restore_object(Bucket="gas-results", Key=key, RestoreRequest=request)
    (notice,) = wait_for(lambda: notices(wanted, other), 20, "the bucket's notice")
    assert (notice.route, notice.archive_id, notice.ok) == ("class", wanted, True)
    for key in (other, wanted):
        s3.delete_object(Bucket="gas-results", Key=key)


def test_only_the_topic_and_the_bucket_may_send(sqs):
    url = sqs.get_queue_url(QueueName=NOTICES_QUEUE)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert [arn.rpartition(":")[2] for arn in senders] == ["gas-glacier", "gas-results"]
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].endswith(f":{NOTICES_QUEUE}-dead")


@pytest.mark.usefixtures("quick")
def test_a_bucket_that_is_gone_keeps_nobody_else_from_being_told(s3, notices):
    s3.create_bucket(Bucket="short-lived")
    request = {"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}
    s3.put_object(Bucket="short-lived", Key="gone", Body=b"cold", StorageClass="GLACIER")
    s3.restore_object(Bucket="short-lived", Key="gone", RestoreRequest=request)
    s3.delete_object(Bucket="short-lived", Key="gone")
    s3.delete_bucket(Bucket="short-lived")
    wanted = f"{ARCHIVE_PREFIX}2/announced"
    s3.put_object(Bucket="gas-results", Key=wanted, Body=b"cold", StorageClass="GLACIER")
    s3.restore_object(Bucket="gas-results", Key=wanted, RestoreRequest=request)
    wait_for(lambda: notices(wanted), 20, "the bucket's notice")
    s3.delete_object(Bucket="gas-results", Key=wanted)
