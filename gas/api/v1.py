"""The API, version 1: its routers, how errors become problems, and its document."""

import logging
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.operation import Operation

from gas.api import openapi
from gas.api.auth import CHALLENGE
from gas.api.conditional import conditional
from gas.api.pages.docs import DocsPage
from gas.api.problems import BY_STATUS, Problem
from gas.api.routes import account, catalogue, exports, jobs, storage, uploads, variants, webhooks
from gas.aws.clients import AWSError
from gas.explorer.database import QueryRefused
from gas.explorer.exports import BadFilters, TooMany
from gas.explorer.large_exports import Refused
from gas.explorer.small_exports import Busy
from gas.jobs.lifecycle.actions import ActionRefused
from gas.jobs.lifecycle.uploads import TooMany as TooManyUploads
from gas.jobs.lifecycle.uploads import UploadRefused
from gas.webhooks.endpoints import EndpointRefused

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Upload VCF files, follow their jobs, and read what was found. Errors are problem+json with a stable code. "
    "Lists are paged by a cursor. Send an Idempotency-Key with each POST that creates, and If-None-Match when you poll."
)


class Api(NinjaAPI):
    """NinjaAPI with ETags on reads, and a document that names scopes and problems."""

    def create_response(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return conditional(request, super().create_response(request, *args, **kwargs))

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        return self._document

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi.complete(super().get_openapi_schema(), self)


api = Api(
    title="Genomics Annotation Service",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api-v1",
    docs=DocsPage(),
)
for resource in (uploads, jobs, variants, exports, storage, catalogue, account, webhooks):
    api.add_router("", resource.router)


@api.exception_handler(Problem)
def _problem(_: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.answer()


@api.exception_handler(Http404)
def _not_found(_: HttpRequest, __: Http404) -> HttpResponse:
    return Problem("not-found").answer()


@api.exception_handler(AuthenticationError)
def _nobody(_: HttpRequest, __: AuthenticationError) -> HttpResponse:
    return Problem("unauthenticated", headers=CHALLENGE).answer()


@api.exception_handler(HttpError)
def _http_error(_: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's own: a body that is no JSON."""
    code = "bad-json" if error.status_code == 400 else BY_STATUS.get(error.status_code, "internal")
    return Problem(code).answer()


@api.exception_handler(ValidationError)
def _invalid(_: HttpRequest, error: ValidationError) -> HttpResponse:
    return Problem("invalid", errors=[(_field(one["loc"]), one["msg"]) for one in error.errors]).answer()


def _field(place: tuple[Any, ...]) -> str:
    """Return the name of a value, without where it is: ("body", "asked", "size") is size."""
    source, *names = place
    inner = names[1:] if source == "body" else names
    return ".".join(map(str, inner)) or str(source)


@api.exception_handler(UploadRefused)
def _upload_refused(_: HttpRequest, refusal: UploadRefused) -> HttpResponse:
    code = "too-many-uploads" if isinstance(refusal, TooManyUploads) else "upload-refused"
    return Problem(code, str(refusal), more={"resume": refusal.resume}).answer()


@api.exception_handler(BadFilters)
def _bad_filters(_: HttpRequest, wrong: BadFilters) -> HttpResponse:
    return Problem("invalid", errors=wrong.errors).answer()


def _query_refused(_: HttpRequest, refusal: Any) -> HttpResponse:
    return Problem("query-refused", str(refusal)).answer()


for _refusal in (QueryRefused, TooMany, Refused):
    api.add_exception_handler(_refusal, _query_refused)


@api.exception_handler(Busy)
def _busy(_: HttpRequest, busy: Busy) -> HttpResponse:
    return Problem("unavailable", str(busy), headers={"Retry-After": "60"}).answer()


@api.exception_handler(ActionRefused)
def _refused(_: HttpRequest, refusal: ActionRefused) -> HttpResponse:
    return Problem("refused", str(refusal)).answer()


@api.exception_handler(EndpointRefused)
def _webhook_refused(_: HttpRequest, refusal: EndpointRefused) -> HttpResponse:
    return webhooks.problem_of(refusal).answer()


def _storage_silent(_: HttpRequest, error: Any) -> HttpResponse:
    log.error("the storage does not answer", exc_info=error)
    return Problem("storage-silent", headers={"Retry-After": "60"}).answer()


for _error in AWSError:
    api.add_exception_handler(_error, _storage_silent)
