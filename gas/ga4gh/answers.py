"""What the endpoints of all standards share: who asks, and errors in the standard's form."""

import logging
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from gas.api import limits
from gas.api.auth import needs
from gas.api.problems import CODES, Problem
from gas.api.scopes import RESULTS_READ
from gas.aws.clients import AWSError
from gas.aws.s3 import ObjectMissing

log = logging.getLogger(__name__)

#: Returns who asks. Raises Problem for nobody, too many requests, and a token without the scope.
_reader = needs(RESULTS_READ)

View = Callable[..., HttpResponse]
#: (HTTP status, sentence) → the error as the standard writes it.
ErrorBody = Callable[[int, str], object]


def endpoint(body_of: ErrorBody, *, media_type: str = "application/json") -> Callable[[View], View]:
    """Make a view of one whose second argument is the person who asks, with a token that may read results.

    Problems and an S3 that does not answer become errors in the standard's form.
    """

    def decorate(view: View) -> View:
        @csrf_exempt  # `_reader` checks the token of a browser's session
        @never_cache
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                response = view(request, _reader(request).user, *args, **kwargs)
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


def _refused(problem: Problem, body_of: ErrorBody, media_type: str) -> HttpResponse:
    kind = CODES[problem.code]
    response = JsonResponse(
        body_of(kind.status, problem.detail or kind.detail or kind.title), status=kind.status, content_type=media_type
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response
