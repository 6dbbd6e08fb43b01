"""The task that keeps the API's tables small."""

import logging

from allauth.idp.oidc.models import Token

from gas import rounds
from gas.api import idempotency
from gas.celery import app
from gas.tasknames import TEND_API

log = logging.getLogger(__name__)


@app.task(name=TEND_API)
def tend() -> None:
    """Forget answers to repeated requests, and tokens of the device flow, that have expired."""
    if rounds.just_taken("api", 3600):
        return
    steps: dict[str, rounds.Step] = {
        "answers": idempotency.forget_old,
        "sign-ins": lambda _: int(Token.objects.expired().delete()[0]),
    }
    rounds.take(steps, log)
