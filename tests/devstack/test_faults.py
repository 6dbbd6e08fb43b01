"""Faults come as ordered: to the calls that are named, in the protocol's own form, before anything has happened."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from devstack.aws.provision import VAULT
from devstack.waiting import wait_for


@pytest.fixture
def once(endpoint):
    """Clients that do not try again."""

    def make(service):
        return boto3.session.Session("devstack", "devstack-secret").client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("s3", "list_buckets", {}),
        ("sqs", "list_queues", {}),
        ("glacier", "list_vaults", {"accountId": "-"}),
        ("sns", "list_topics", {}),
        ("ses", "list_identities", {}),
        ("sesv2", "list_email_identities", {}),
    ],
)
def test_every_service_says_it_in_its_own_form(faults, once, service, operation, arguments):
    faults({"service": service, "status": 503, "code": "ServiceUnavailable"})
    call = getattr(once(service), operation)
    assert refusal(call, **arguments) == (503, "ServiceUnavailable")
    faults()
    assert call(**arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_nothing_has_happened(faults, once, s3):
    faults({"service": "s3", "action": "PutObject"})
    assert refusal(once("s3").put_object, Bucket="gas-inputs", Key="never", Body=b"x")[0] == 503
    assert "Contents" not in s3.list_objects_v2(Bucket="gas-inputs", Prefix="never")


def test_only_the_named_action_fails(faults, once):
    faults({"service": "sqs", "action": "SendMessage"})
    sqs = once("sqs")
    url = sqs.get_queue_url(QueueName="gas-default")["QueueUrl"]
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x")[0] == 503
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_glaciers_own_refusals(faults, once):
    faults({"service": "glacier", "action": "InitiateJob", "status": 400, "code": "InsufficientCapacityException"})
    glacier = once("glacier")
    parameters = {"Type": "archive-retrieval", "ArchiveId": "a", "Tier": "Expedited"}
    call = {"accountId": "-", "vaultName": VAULT, "jobParameters": parameters}
    assert refusal(glacier.initiate_job, **call) == (400, "InsufficientCapacityException")
    with pytest.raises(glacier.exceptions.InsufficientCapacityException):
        glacier.initiate_job(**call)


def test_an_outage_gives_no_answer(faults, once):
    faults({"service": "*", "mode": "drop"})
    with pytest.raises(ConnectionClosedError):
        once("s3").list_buckets()


def test_an_answer_that_is_held_back_is_of_a_call_that_was_carried_out(endpoint, faults, once, s3):
    faults({"service": "s3", "action": "PutObject", "mode": "hold"})

    def held():
        return requests.get(f"{endpoint}/_devstack/faults", timeout=10).json()["rules"][0]["held"]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(once("s3").put_object, Bucket="gas-inputs", Key="held", Body=b"x")
        wait_for(held, 20, "the call")
        assert s3.head_object(Bucket="gas-inputs", Key="held")
        assert not waiting.done()
        faults()
        assert waiting.result(timeout=20)["ETag"]


def test_retries_carry_over_a_small_rate(faults, s3):
    faults({"service": "s3", "rate": 0.3}, seed=2)
    for _ in range(10):
        s3.list_buckets()


def test_chance_is_seeded_and_counted(endpoint, faults, once):
    s3 = once("s3")

    def run():
        faults({"service": "s3", "rate": 0.5}, seed=7)
        for _ in range(20):
            try:
                s3.list_buckets()
                yield True
            except ClientError:
                yield False

    first = list(run())
    assert first == list(run())
    (rule,) = requests.get(f"{endpoint}/_devstack/faults", timeout=10).json()["rules"]
    assert (rule["seen"], rule["hits"]) == (20, first.count(False))
    assert 0 < rule["hits"] < 20


@pytest.mark.parametrize("rule", [{"rate": 2}, {"status": 200}, {"mode": "maybe"}, {"servce": "s3"}, "s3"])
def test_an_impossible_rule_is_refused(endpoint, rule):
    answer = requests.post(f"{endpoint}/_devstack/faults", json={"rules": [rule]}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]
