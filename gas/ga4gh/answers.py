"""What the endpoints of all standards share: who asks, which job is meant, and errors in the standard's form."""

import logging
from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from gas.api import auth, limits, tokens
from gas.api.problems import CODES, Problem
from gas.api.scopes import RESULTS_READ
from gas.aws.clients import AWSError
from gas.aws.s3 import ObjectMissing
from gas.jobs.models import Job
from gas.users.models import User

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]
#: (HTTP status, sentence) → the error as the standard writes it.
ErrorBody = Callable[[int, str], object]


def endpoint(body_of: ErrorBody, *, media_type: str = "application/json") -> Callable[[View], View]:
    """Make a view of one whose second argument is the person who asks, with a token that may read results.

    Problems and an S3 that does not answer become errors in the standard's form.
    """

    def decorate(view: View) -> View:
        @csrf_exempt  # `auth.identify` checks the token of a browser's session
        @never_cache
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                response = view(request, _reader(request), *args, **kwargs)
            except AWSError:
                response = _refused(Problem("storage-silent", headers={"Retry-After": "60"}), body_of, media_type)
            except ObjectMissing:
                log.exception("%s", request.path)
                response = _refused(Problem("not-found", "A file of this result is missing."), body_of, media_type)
            except RequestDataTooBig:
                response = _refused(Problem("too-large"), body_of, media_type)
            except Problem as problem:
                response = _refused(problem, body_of, media_type)
            limits.tell(request, response)
            return response

        return answer

    return decorate


def _reader(request: HttpRequest) -> User:
    """Return who asks. Raises Problem for nobody, too many requests, and a token without the scope."""
    caller = auth.identify(request)
    limits.take(request, caller.key)
    if RESULTS_READ not in caller.scopes:
        raise Problem("missing-scope", f"The token lacks the scope {RESULTS_READ}.")
    if caller.token is not None:
        tokens.note_use(caller.token)
    return caller.user


def _refused(problem: Problem, body_of: ErrorBody, media_type: str) -> HttpResponse:
    kind = CODES[problem.code]
    response = JsonResponse(
        body_of(kind.status, problem.detail or kind.detail or kind.title), status=kind.status, content_type=media_type
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def job_of(reader: User, job_id: UUID) -> Job:
    """Return a job of the reader's. Raises Problem for anybody else's."""
    job = Job.objects.select_related("result").filter(pk=job_id, owner=reader).first()
    if job is None:
        raise Problem("not-found", "You have no job with this id.")
    return job
