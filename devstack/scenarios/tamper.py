"""Damage a stack on purpose, to see that a scenario's checks tell.

Each function damages what belongs to one completed job of a stack whose work has ended.
"""

from collections.abc import Callable
from typing import Any

from devstack.aws.provision import VAULT
from devstack.stack import Stack


def delete_result(stack: Stack, job: str) -> None:
    stack.aws("s3").delete_object(**_address(stack, job, "annot.vcf.gz"))


def alter_result(stack: Stack, job: str) -> None:
    """Change one byte and keep the length."""
    where = _address(stack, job, "annot.vcf.gz")
    data = bytearray(stack.aws("s3").get_object(**where)["Body"].read())
    data[len(data) // 2] ^= 1
    stack.aws("s3").put_object(**where, Body=bytes(data))


def delete_index(stack: Stack, job: str) -> None:
    stack.aws("s3").delete_object(**_address(stack, job, "annot.vcf.gz.tbi"))


def alter_table(stack: Stack, job: str) -> None:
    stack.aws("s3").put_object(**_address(stack, job, "annot.tsv.gz"), Body=b"another table")


def delete_input(stack: Stack, job: str) -> None:
    stack.aws("s3").delete_object(**_address(stack, job, "input"))


def add_object(stack: Stack, job: str) -> None:
    """Leave what an attempt that was abandoned would leave."""
    where = _address(stack, job, "annot.vcf.gz")
    where["Key"] = where["Key"].replace("/annot.vcf.gz", "-abandoned/annot.vcf.gz")
    stack.aws("s3").put_object(**where, Body=b"nobody's")


def delete_archive(stack: Stack, job: str) -> None:
    row = next(row for row in stack.state()["results"] if row["job"] == job)
    if row["route"] == "vault":
        stack.aws("glacier").delete_archive(accountId="-", vaultName=_vault(stack), archiveId=row["archive_id"])
    else:
        stack.aws("s3").delete_object(Bucket=stack.env.get("S3_RESULTS_BUCKET", "gas-results"), Key=row["archive_id"])


def add_archive(stack: Stack, job: str) -> None:
    stack.aws("glacier").upload_archive(accountId="-", vaultName=_vault(stack), body=f"not {job}".encode())


def lose_mail(stack: Stack, job: str) -> None:
    stack.delete_mail(_mail(stack, job)["id"])


def misdirect_mail(stack: Stack, job: str) -> None:
    """The mail reaches another address instead of its owner's."""
    mail = _mail(stack, job)
    stack.delete_mail(mail["id"])
    _send(stack, mail, "somebody-else@lab.example")


def repeat_mail(stack: Stack, job: str) -> None:
    mail = _mail(stack, job)
    _send(stack, mail, mail["to"][0])


TAMPERINGS: dict[str, Callable[[Stack, str], None]] = {
    "delete-result": delete_result,
    "alter-result": alter_result,
    "delete-index": delete_index,
    "alter-table": alter_table,
    "delete-input": delete_input,
    "add-object": add_object,
    "delete-archive": delete_archive,
    "add-archive": add_archive,
    "lose-mail": lose_mail,
    "misdirect-mail": misdirect_mail,
    "repeat-mail": repeat_mail,
}


def _vault(stack: Stack) -> str:
    return stack.env.get("GLACIER_VAULT", VAULT)


def _address(stack: Stack, job: str, name: str) -> dict[str, Any]:
    """Return bucket and key of the job's object with this name, as arguments for boto3."""
    named = (row["object"] for row in stack.state()["objects"] if row["job"] == job)
    bucket, _, key = next(address for address in named if address.endswith(f"/{name}")).partition("/")
    return {"Bucket": bucket, "Key": key}


def _mail(stack: Stack, job: str) -> dict[str, Any]:
    return next(mail for mail in stack.mail() if job in mail["text"])


def _send(stack: Stack, mail: dict[str, Any], to: str) -> None:
    content = {"Subject": {"Data": mail["subject"]}, "Body": {"Text": {"Data": mail["text"]}}}
    stack.aws("sesv2").send_email(
        FromEmailAddress=mail["sender"], Destination={"ToAddresses": [to]}, Content={"Simple": content}
    )
