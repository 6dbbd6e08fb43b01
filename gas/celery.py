"""The Celery app: SQS as its broker, its settings in celeryconfig.py."""

import logging
import os
from typing import Any

from celery.signals import after_setup_logger, beat_init, before_task_publish, task_prerun, worker_ready

from gas.aws.broker import SQSCelery
from gas.logs import LineFormatter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gas.settings")

app = SQSCelery("gas")
app.config_from_object("celeryconfig")


@after_setup_logger.connect
def escape_log_lines(logger: logging.Logger, format: str, **_: Any) -> None:  # noqa: A002 - Celery's name
    """Format the log lines of workers and beat, whose handlers Celery creates, like those of the site."""
    for handler in logger.handlers:
        handler.setFormatter(LineFormatter(format))


@worker_ready.connect
@beat_init.connect
def compare_clocks(**_: Any) -> None:
    """Compare the clock of a worker's or of beat's machine with the database's when the process starts."""
    _compare()


@task_prerun.connect
def compare_clocks_again(**_: Any) -> None:
    """Compare the clocks again before a task, at most once a minute for each process."""
    from gas import clock  # noqa: PLC0415  (Django is not set up when this module is imported)

    if not app.conf.task_always_eager:
        clock.check()


@beat_init.connect
def compare_with_each_sweep(**_: Any) -> None:
    """Compare the clocks in beat whenever it sends a task, at most once a minute."""
    before_task_publish.connect(_compare, weak=False)


def _compare(**_: Any) -> None:
    from django.db import connection  # noqa: PLC0415

    from gas import clock  # noqa: PLC0415

    clock.check()
    connection.close()  # neither beat nor a worker's main process has another use for it
