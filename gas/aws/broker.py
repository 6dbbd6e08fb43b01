"""Celery on SQS: two fixes and one rule.

The first fix: kombu 5.7's receive callback uses the whole response of ReceiveMessage, but gets an empty list when the
call fails, and `[].get` ends the worker. `Channel` here passes an empty dict instead, so that an error is one empty
poll.

The second: a message that is not one of Celery's, or has a malformed field, would end the worker, and later the next
one. It is logged and left in the queue. SQS delivers it again after the visibility timeout, and moves it to the
dead-letter queue after as many receives as the queue's redrive policy allows.

The rule: Celery holds a task with a countdown in the worker's memory, even past the visibility timeout, so that SQS
delivers it again and it runs twice. `SQSCelery` uses SQS's own DelaySeconds for a delay of at most 15 minutes. A longer
delay is refused: it belongs in a due column that the sweep reads.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from celery import Celery
from kombu.transport import SQS, TRANSPORT_ALIASES

from gas.aws.messages import check_message

log = logging.getLogger(__name__)

#: SQS's limit for DelaySeconds.
MAX_DELAY_SECONDS = 900


class Channel(SQS.Channel):
    """kombu's SQS channel, whose worker survives a failed ReceiveMessage and a malformed message."""

    def _on_messages_ready(self, queue: str, qname: str, messages: Any) -> int:
        received = (messages.get("Messages") or []) if isinstance(messages, dict) else []
        good = [message for message in received if self._can_be_run(queue, qname, message)]
        count: int = super()._on_messages_ready(queue, qname, {"Messages": good})  # type: ignore[misc]
        return count

    def _can_be_run(self, queue: str, qname: str, message: dict[str, Any]) -> bool:
        try:
            check_message(self._message_to_python(message, qname, queue))  # type: ignore[attr-defined]
        except Exception as error:
            log.error("message %s of %s cannot be run: %s", message.get("MessageId"), qname, error or repr(error))
            return False
        return True


class Transport(SQS.Transport):
    """The SQS transport of Kombu with this module's channel."""

    Channel = Channel


# kombu resolves the name when the app first connects, so this must be imported before. Importing SQSCelery does that.
TRANSPORT_ALIASES["sqs"] = f"{__name__}:{Transport.__name__}"


class SQSCelery(Celery):
    """A Celery app whose countdowns and etas wait in SQS, not in a worker."""

    def send_task(  # type: ignore[override]
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: float | None = None,
        eta: datetime | str | None = None,
        **options: Any,
    ) -> Any:
        """As Celery.send_task.

        Raises:
            ValueError: the delay is over 15 minutes, which SQS cannot hold.
        """
        delay = seconds_from_now(countdown, eta, self.now())
        if delay > MAX_DELAY_SECONDS:
            raise ValueError(f"{name}: SQS holds a delay of {MAX_DELAY_SECONDS} s at most, not {delay:.0f} s")
        if delay > 0:
            options["delay_seconds"] = round(delay) or 1
        return super().send_task(name, args, kwargs, **options)


def seconds_from_now(countdown: float | None, eta: datetime | str | None, now: datetime) -> float:
    """Return the delay in seconds for Celery's countdown or eta; 0 for none or a past eta."""
    if countdown is not None:
        return max(0.0, float(countdown))
    if eta is None:
        return 0.0
    moment = datetime.fromisoformat(eta) if isinstance(eta, str) else eta
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    return max(0.0, (moment - now).total_seconds())


def predefined_queues(url_base: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return Kombu's `predefined_queues`, with which a worker needs no permission to list or create queues."""
    return {name: {"url": f"{url_base.rstrip('/')}/{name}"} for name in names}
