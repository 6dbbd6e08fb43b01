"""A Celery app with the service's own broker and delivery settings, whose tasks write lines into a file.

`celery -A tests.support.ledger_app worker`; LEDGER names the file.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import celeryconfig
from gas.aws.broker import SQSCelery

app = SQSCelery("ledger")
app.config_from_object(celeryconfig)
app.conf.imports = ()
app.conf.task_routes = {}


def write(text: str) -> None:
    with Path(os.environ["LEDGER"]).open("a") as ledger:
        ledger.write(f"{time.time():.3f} {text}\n")


@app.task
def note(text: str) -> None:
    write(text)


@app.task(bind=True, max_retries=1)
def note_at_second_try(self: Any, text: str, countdown: float) -> None:
    write(f"{text} {self.request.retries}")
    if not self.request.retries:
        raise self.retry(countdown=countdown)


@app.task
def kill_the_worker() -> None:
    write("killed")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task
def fail() -> None:
    write("failed")
    raise RuntimeError("always")
