"""ETag and If-None-Match: a program that polls gets 304 without a body while nothing has changed."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response


def conditional(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """Return the answer of a read with an ETag, or 304 if the client has it."""
    if request.method != "GET" or response.status_code != 200:
        return response
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response)
    return response if answer is None else answer
