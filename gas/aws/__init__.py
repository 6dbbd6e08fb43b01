"""Everything that calls AWS: S3, SQS, SES and Glacier. The only package that imports boto3 or botocore.

Models and rules of the product do not belong here; functions take keys, ids and files.
"""
