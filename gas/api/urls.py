"""Addresses of the API, below /api/."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from gas.api.problems import Problem
from gas.api.v1 import api


@csrf_exempt
def unknown(_: HttpRequest) -> HttpResponse:
    """Answer for every address that is none."""
    return Problem("not-found", "There is no such address. See /api/v1/docs.").answer()


urlpatterns = [path("v1/", api.urls), re_path("", unknown)]
