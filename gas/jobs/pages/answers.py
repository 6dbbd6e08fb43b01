"""Perform an owner's action, and respond with the job's page and a message."""

import logging
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from gas.aws.clients import AWSError
from gas.jobs.lifecycle import actions
from gas.jobs.models import Job
from gas.users.requests import PersonRequest

logger = logging.getLogger(__name__)

STORAGE_SILENT = "The storage does not answer at the moment. Try again in a minute."


def act(request: PersonRequest, job: Job, done: str, do: Callable[[], None]) -> HttpResponse:
    """Call `do`, and respond with the job's page, which says that the job is `done` or why the action was refused."""
    try:
        do()
        messages.success(request, done)
    except actions.ActionRefused as refusal:
        messages.error(request, str(refusal))
    except AWSError:
        logger.exception("job %s", job.pk)
        messages.error(request, STORAGE_SILENT)
    return redirect(job)
