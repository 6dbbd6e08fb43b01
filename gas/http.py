"""The request as the views behind `login_required` get it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from gas.users.models import User


class PersonRequest(HttpRequest):
    """For type checkers: somebody is signed in, and the middlewares have been here."""

    user: User
    htmx: HtmxDetails
