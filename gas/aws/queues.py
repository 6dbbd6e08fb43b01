"""Read SQS queues directly."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from gas.aws.clients import sqs


def waiting(queue: str, *, delayed: bool = True) -> int:
    """Return about how many messages wait in `queue`, without those in work; with delayed ones if `delayed`."""
    url = f"{settings.SQS_QUEUE_URL_BASE.rstrip('/')}/{queue}"
    attributes = sqs().get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]
    visible = int(attributes["ApproximateNumberOfMessages"])
    return visible + (int(attributes["ApproximateNumberOfMessagesDelayed"]) if delayed else 0)


@dataclass(frozen=True)
class Message:
    """A message that is not Celery's. Until it is deleted SQS delivers it again after the visibility timeout."""

    body: str
    queue_url: str
    receipt: str

    def delete(self) -> None:
        sqs().delete_message(QueueUrl=self.queue_url, ReceiptHandle=self.receipt)


def receive(queue: str) -> Iterator[Message]:
    """Yield the messages waiting in `queue` now, without waiting for more."""
    url = f"{settings.SQS_QUEUE_URL_BASE.rstrip('/')}/{queue}"
    while True:
        answer = sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        messages = answer.get("Messages", [])
        if not messages:
            return
        for message in messages:
            yield Message(message["Body"], url, message["ReceiptHandle"])
