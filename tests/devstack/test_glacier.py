"""The embedded vault service answers as AWS does, where moto's does not."""

import hashlib
import io
import json

import pytest
import requests
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash

from devstack.aws.provision import client, provision
from devstack.waiting import wait_for
from tests.support.processes import WEB

MIB = 1024 * 1024
VAULT = "vault-of-these-tests"


@pytest.fixture(scope="module")
def glacier(endpoint):
    """With a vault, which is gone afterwards."""
    made = client("glacier", endpoint)
    made.create_vault(vaultName=VAULT)
    yield made
    for archive in requests.get(f"{endpoint}/_devstack/glacier", timeout=10).json()["vaults"][VAULT]["archives"]:
        made.delete_archive(vaultName=VAULT, archiveId=archive)
    made.delete_vault(vaultName=VAULT)


@pytest.fixture
def rules(endpoint):
    """Changes the emulated Glacier's rules or time, and puts the rules back."""

    def change(**wanted):
        answer = requests.post(f"{endpoint}/_devstack/glacier", json=wanted, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    before = requests.get(f"{endpoint}/_devstack/glacier", timeout=10).json()["rules"]
    yield change
    change(**before)


def tree(data):
    return calculate_tree_hash(io.BytesIO(data))


def refusal(call, **parameters):
    """Return the refusal as (status, code)."""
    with pytest.raises(ClientError) as refused:
        call(vaultName=VAULT, **parameters)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def upload(glacier, data=b"bytes", **more):
    return glacier.upload_archive(vaultName=VAULT, body=data, **more)


def begin(glacier, archive, **more):
    job = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Standard", **more}
    return glacier.initiate_job(vaultName=VAULT, jobParameters=job)["jobId"]


class TestArchives:
    def test_the_answer_carries_the_tree_hash(self, glacier):
        data = bytes(range(256)) * 10_000
        assert upload(glacier, data)["checksum"] == tree(data) != hashlib.sha256(data).hexdigest()

    def test_a_wrong_checksum_is_refused(self, glacier):
        assert refusal(glacier.upload_archive, body=b"bytes", checksum=tree(b"other")) == (
            400,
            "InvalidParameterValueException",
        )

    def test_identical_bytes_are_two_archives(self, glacier):
        first, second = upload(glacier), upload(glacier)
        assert len(first["archiveId"]) == 138
        assert first["archiveId"] != second["archiveId"]

    def test_deleting_twice_is_no_error_and_deleting_the_unknown_is(self, glacier):
        archive = upload(glacier)["archiveId"]
        glacier.delete_archive(vaultName=VAULT, archiveId=archive)
        glacier.delete_archive(vaultName=VAULT, archiveId=archive)
        assert refusal(glacier.delete_archive, archiveId="never-was") == (404, "ResourceNotFoundException")

    def test_creating_a_vault_again_keeps_its_archives(self, glacier):
        upload(glacier)
        before = glacier.describe_vault(vaultName=VAULT)
        glacier.create_vault(vaultName=VAULT)
        assert glacier.describe_vault(vaultName=VAULT)["NumberOfArchives"] == before["NumberOfArchives"] > 0

    def test_a_missing_vault_is_said_to_be(self, glacier):
        with pytest.raises(glacier.exceptions.ResourceNotFoundException, match="Vault not found"):
            glacier.upload_archive(vaultName="another", body=b"x")


class TestParts:
    def start(self, glacier, size=MIB):
        return glacier.initiate_multipart_upload(vaultName=VAULT, partSize=str(size))["uploadId"]

    def put(self, glacier, upload, start, data, **more):
        place = f"bytes {start}-{start + len(data) - 1}/*"
        return glacier.upload_multipart_part(vaultName=VAULT, uploadId=upload, range=place, body=data, **more)

    def test_parts_in_any_order_make_one_archive(self, glacier, rules):
        data = bytes(range(256)) * 10_000
        upload = self.start(glacier)
        for start in (2 * MIB, 0, MIB):
            assert self.put(glacier, upload, start, data[start : start + MIB])["checksum"] == tree(
                data[start : start + MIB]
            )
        end = {"vaultName": VAULT, "uploadId": upload, "archiveSize": str(len(data)), "checksum": tree(data)}
        archive = glacier.complete_multipart_upload(**end)
        assert archive["checksum"] == tree(data)
        assert glacier.complete_multipart_upload(**end)["archiveId"] == archive["archiveId"]
        job = begin(glacier, archive["archiveId"])
        rules(advance=60)
        assert glacier.get_job_output(vaultName=VAULT, jobId=job)["body"].read() == data

    @pytest.mark.parametrize("wrong", [{"archiveSize": "5"}, {"checksum": "0" * 64}])
    def test_a_sum_that_does_not_match_is_refused(self, glacier, wrong):
        upload = self.start(glacier)
        self.put(glacier, upload, 0, b"bytes")
        end = {"uploadId": upload, "archiveSize": "5", "checksum": tree(b"bytes"), **wrong}
        if "archiveSize" in wrong:
            end["archiveSize"] = "6"
        assert refusal(glacier.complete_multipart_upload, **end) == (400, "InvalidParameterValueException")

    def test_a_gap_is_refused(self, glacier):
        upload = self.start(glacier)
        self.put(glacier, upload, MIB, b"bytes")
        end = {"uploadId": upload, "archiveSize": str(MIB + 5), "checksum": "0" * 64}
        assert refusal(glacier.complete_multipart_upload, **end) == (400, "InvalidParameterValueException")

    @pytest.mark.parametrize("size", [1000, 3 * MIB, 8192 * MIB])
    def test_a_part_size_that_is_no_power_of_two_mib_is_refused(self, glacier, size):
        assert refusal(glacier.initiate_multipart_upload, partSize=str(size))[1] == "InvalidParameterValueException"

    def test_a_part_out_of_place_is_refused(self, glacier):
        upload = self.start(glacier)
        with pytest.raises(ClientError, match="Invalid Content-Range"):
            self.put(glacier, upload, 5, b"bytes")

    def test_an_aborted_upload_is_gone(self, glacier):
        upload = self.start(glacier)
        glacier.abort_multipart_upload(vaultName=VAULT, uploadId=upload)
        found = glacier.list_multipart_uploads(vaultName=VAULT)["UploadsList"]
        assert upload not in {one["MultipartUploadId"] for one in found}
        assert refusal(glacier.abort_multipart_upload, uploadId=upload) == (404, "ResourceNotFoundException")


class TestJobs:
    def test_a_job_is_described_as_in_the_guide(self, glacier, rules):
        data = b"x" * 3000
        archive = upload(glacier, data)["archiveId"]
        job = begin(glacier, archive, Description="restore", Tier="Bulk")
        described = glacier.describe_job(vaultName=VAULT, jobId=job)
        assert described["StatusCode"] == "InProgress"
        assert not described["Completed"]
        rules(advance=60)
        described = glacier.describe_job(vaultName=VAULT, jobId=job)
        wanted = {
            "Action": "ArchiveRetrieval",
            "ArchiveId": archive,
            "ArchiveSHA256TreeHash": tree(data),
            "ArchiveSizeInBytes": 3000,
            "Completed": True,
            "JobDescription": "restore",
            "RetrievalByteRange": "0-2999",
            "SHA256TreeHash": tree(data),
            "StatusCode": "Succeeded",
            "Tier": "Bulk",
        }
        assert wanted.items() <= described.items()

    def test_output_is_not_to_be_had_early_nor_late(self, glacier, rules):
        job = begin(glacier, upload(glacier)["archiveId"])
        assert refusal(glacier.get_job_output, jobId=job) == (400, "InvalidParameterValueException")
        rules(advance=60)
        assert glacier.get_job_output(vaultName=VAULT, jobId=job)["checksum"] == tree(b"bytes")
        rules(advance=24 * 3600)
        assert refusal(glacier.get_job_output, jobId=job) == (404, "ResourceNotFoundException")
        assert refusal(glacier.describe_job, jobId=job) == (404, "ResourceNotFoundException")

    def test_a_range_has_a_checksum_where_it_is_a_branch_of_the_tree(self, glacier, rules):
        data = bytes(range(256)) * 16_384
        job = begin(glacier, upload(glacier, data)["archiveId"])
        rules(advance=60)
        for start, end, has in [(0, MIB, True), (MIB, 2 * MIB, True), (2 * MIB, 4 * MIB, True), (MIB, 3 * MIB, False)]:
            answer = glacier.get_job_output(vaultName=VAULT, jobId=job, range=f"bytes={start}-{end - 1}")
            assert answer["status"] == 206
            assert answer["contentRange"] == f"bytes {start}-{end - 1}/{len(data)}"
            assert answer["body"].read() == data[start:end]
            assert answer.get("checksum") == (tree(data[start:end]) if has else None)

    def test_jobs_are_listed_by_page_and_status(self, glacier, rules):
        old = begin(glacier, upload(glacier)["archiveId"])
        rules(advance=60)
        fresh = [begin(glacier, upload(glacier)["archiveId"]) for _ in range(3)]
        options = {"vaultName": VAULT, "completed": "false", "limit": "2"}
        first = glacier.list_jobs(**options)
        second = glacier.list_jobs(**options, marker=first["Marker"])
        assert [job["JobId"] for job in first["JobList"] + second["JobList"]] == fresh
        assert second.get("Marker") is None
        done = glacier.list_jobs(vaultName=VAULT, statuscode="Succeeded")["JobList"]
        assert old in {job["JobId"] for job in done}

    @pytest.mark.parametrize("limit", ["0", "51", "1000"])
    def test_a_page_has_fifty_at_most(self, glacier, limit):
        assert refusal(glacier.list_jobs, limit=limit) == (400, "InvalidParameterValueException")

    @pytest.mark.parametrize("code", ["InsufficientCapacityException", "PolicyEnforcedException"])
    def test_expedited_is_refused_as_often_as_asked_for(self, glacier, rules, code):
        archive = upload(glacier)["archiveId"]
        rules(refuse_expedited=1, refusal=code)
        job = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Expedited"}
        assert refusal(glacier.initiate_job, jobParameters=job) == (400, code)
        assert begin(glacier, archive, Tier="Expedited")

    def test_a_missing_archive_cannot_be_retrieved(self, glacier):
        job = {"Type": "archive-retrieval", "ArchiveId": "never-was"}
        assert refusal(glacier.initiate_job, jobParameters=job) == (404, "ResourceNotFoundException")

    def test_an_archive_that_is_deleted_fails_its_job(self, glacier, rules):
        archive = upload(glacier)["archiveId"]
        job = begin(glacier, archive)
        glacier.delete_archive(vaultName=VAULT, archiveId=archive)
        rules(advance=60)
        assert glacier.describe_job(vaultName=VAULT, jobId=job)["StatusCode"] == "Failed"


class TestNotices:
    @pytest.fixture
    def heard(self, endpoint, sqs):
        """A topic, and the messages that came through it."""
        sns = client("sns", endpoint)
        topic = sns.create_topic(Name="heard")["TopicArn"]
        url = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def messages():
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
            return [json.loads(one["Body"]) for one in found]

        yield topic, arn, messages
        sqs.delete_queue(QueueUrl=url)
        provision(endpoint, web_origin=WEB)  # the vault and the bucket tell whom they told before

    @pytest.mark.parametrize("how", ["the vault's", "the job's"])
    def test_a_finished_job_is_told_to_its_topic(self, glacier, rules, heard, how):
        topic, _, messages = heard
        rules(seconds={"Standard": 0.5})  # in its own time: nobody moves the clock
        if how == "the vault's":
            config = {"SNSTopic": topic, "Events": ["ArchiveRetrievalCompleted"]}
            glacier.set_vault_notifications(vaultName=VAULT, vaultNotificationConfig=config)
        archive = upload(glacier)["archiveId"]
        job = begin(glacier, archive, **({} if how == "the vault's" else {"SNSTopic": topic}))
        envelope = wait_for(messages, 20, "the notice")[0]
        assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", topic)
        told = json.loads(envelope["Message"])
        assert (told["JobId"], told["ArchiveId"], told["StatusCode"]) == (job, archive, "Succeeded")

    def test_a_restored_object_is_told_to_the_buckets_queue(self, s3, rules, heard):
        """Of others, too: tests before this one may have left retrievals that time ends."""
        _, arn, messages = heard
        queues = [{"QueueArn": arn, "Events": ["s3:ObjectRestore:Completed"]}]
        s3.put_bucket_notification_configuration(
            Bucket="gas-results", NotificationConfiguration={"QueueConfigurations": queues}
        )
        s3.put_object(Bucket="gas-results", Key="archive/told", Body=b"x", StorageClass="GLACIER")
        s3.restore_object(Bucket="gas-results", Key="archive/told", RestoreRequest={"Days": 1})
        rules(advance=60)
        found = []

        def told():
            found.extend(record for one in messages() for record in one.get("Records", []))
            return [one["eventName"] for one in found if one["s3"]["object"]["key"] == "archive%2Ftold"]

        assert wait_for(told, 20, "the event") == ["ObjectRestore:Completed"]


def test_a_rule_that_is_none_is_refused(endpoint):
    for wrong in ({"no-such": 1}, {"seconds": {"Fast": 1}}, {"keep_seconds": "long"}, [], {"advance": "far"}):
        assert requests.post(f"{endpoint}/_devstack/glacier", json=wrong, timeout=10).status_code == 400
