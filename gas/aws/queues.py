"""What SQS says of a queue."""

from django.conf import settings

from gas.aws.clients import sqs


def waiting(queue: str) -> int:
    """Roughly how many messages wait in `queue`, delayed ones included; those being worked on are not."""
    url = f"{settings.SQS_QUEUE_URL_BASE.rstrip('/')}/{queue}"
    attributes = sqs().get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]
    return sum(int(count) for count in attributes.values())
