"""The only room that imports boto3 or botocore: clients, S3, and the SQS broker."""
