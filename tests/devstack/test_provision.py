"""What is made before the service starts, and that making it again harms nothing."""

import json

from devstack.aws.provision import QUEUES, VAULT, client, provision
from tests.support.processes import WEB


def test_everything_is_there(endpoint, s3, sqs):
    assert {"gas-inputs", "gas-results"} <= {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    (rule,) = s3.get_bucket_cors(Bucket="gas-inputs")["CORSRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == ([WEB], ["POST", "PUT"])
    for name in QUEUES:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["VisibilityTimeout"] == "1980"
        policy = json.loads(attributes["RedrivePolicy"])
        assert policy["maxReceiveCount"] == 5
        assert policy["deadLetterTargetArn"].endswith(f":{name}-dead")
    vaults = client("glacier", endpoint).list_vaults(accountId="-")["VaultList"]
    assert [vault["VaultName"] for vault in vaults] == [VAULT]
    assert client("sns", endpoint).list_topics()["Topics"][0]["TopicArn"].endswith(":gas-glacier")


def test_again_changes_settings_and_keeps_what_is_stored(endpoint, s3, sqs):
    glacier = client("glacier", endpoint)
    archive = glacier.upload_archive(vaultName=VAULT, body=b"an archive")["archiveId"]
    before = glacier.describe_vault(vaultName=VAULT)["NumberOfArchives"]
    s3.put_object(Bucket="gas-inputs", Key="kept", Body=b"kept")
    url = sqs.get_queue_url(QueueName="gas-restore")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")

    provision(endpoint, web_origin="http://127.0.0.1:9", visibility_timeout=33)
    try:
        assert glacier.describe_vault(vaultName=VAULT)["NumberOfArchives"] == before >= 1
        assert s3.head_object(Bucket="gas-inputs", Key="kept")
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["VisibilityTimeout"] == "33"
        assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"
        (rule,) = s3.get_bucket_cors(Bucket="gas-inputs")["CORSRules"]
        assert rule["AllowedOrigins"] == ["http://127.0.0.1:9"]
    finally:
        provision(endpoint, web_origin=WEB)
        sqs.purge_queue(QueueUrl=url)
        glacier.delete_archive(vaultName=VAULT, archiveId=archive)
