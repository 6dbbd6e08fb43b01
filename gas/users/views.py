"""A person's profile: change, export and delete the account. Every change is a POST."""

import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from gas.rate_limits import RateLimit
from gas.users import export_files
from gas.users.deletion import delete_account, deletion_refusal
from gas.users.forms import DeleteForm, ProfileForm
from gas.users.models import Export, User
from gas.users.registry import usage_providers
from gas.users.requests import PersonRequest

#: A person without a password and a second factor must have signed in within this many seconds.
FRESH_SECONDS = 300
EXPORTS_AN_HOUR = 10
EXPORTS = RateLimit("exports", seconds=3600)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def profile(request: PersonRequest) -> HttpResponse:
    """Show the person's details, with links to their data."""
    # A copy: rejected values must not appear in the page's header.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("users:profile")
    return render(request, "users/profile.html", {"form": form, **_overview(request.user)})


def _overview(user: User) -> dict[str, Any]:
    factors = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return {
        "addresses": EmailAddress.objects.filter(user=user).order_by("-primary", "email"),
        "has_password": user.has_usable_password(),
        "has_totp": Authenticator.Type.TOTP in factors,
        "passkeys": factors.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=user).count(),
        "linked": SocialAccount.objects.filter(user=user).count(),
        "globus": bool(settings.GLOBUS_CLIENT_ID),
        "deletion_refusal": deletion_refusal(user),
        "export": Export.objects.filter(owner=user).first(),
        "usage": [line for usage in usage_providers for line in usage(user)],
    }


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def export(request: PersonRequest) -> HttpResponse:
    """Start to prepare the person's data as a ZIP (POST), or show its progress (GET, for the profile page)."""
    if request.method == "GET":
        if not request.htmx:
            return redirect("users:profile")
        return render(request, "users/_export.html", {"export": Export.objects.filter(owner=request.user).first()})
    if not EXPORTS.take(request.user.pk, EXPORTS_AN_HOUR):
        return render(request, "429.html", status=429)
    if not export_files.ask(request.user):
        messages.info(request, "Your data is being prepared already.")
    return redirect(f"{reverse('users:profile')}#export")


@login_required
@require_GET
@never_cache
def export_file(request: PersonRequest) -> HttpResponse:
    """Redirect the browser to a presigned address of the person's own file."""
    address = export_files.address(request.user)
    if address is None:
        messages.warning(request, "There is no file to download now. Have one prepared.")
        return redirect(f"{reverse('users:profile')}#export")
    return redirect(address)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@reauthentication_required(allow_get=False)  # type: ignore[untyped-decorator]
def delete(request: PersonRequest) -> HttpResponse:
    """Ask for confirmation (GET), then delete the account and all its data for good (POST).

    Both require the password or a second factor, unless it was given in the last minutes.
    """
    user = request.user
    if refusal := deletion_refusal(user):
        messages.error(request, refusal)
        return redirect("users:profile")
    form = DeleteForm(request.POST or None, user=user)
    stale = not _is_fresh(request)
    if request.method == "POST" and not stale and form.is_valid():
        delete_account(user)
        logout(request)
        messages.success(request, "Your account and everything in it is deleted. Thank you for having been here.")
        return redirect("landing")
    return render(request, "users/delete.html", {"form": form, "stale": stale})


def _is_fresh(request: PersonRequest) -> bool:
    """Return whether a person without a password and a second factor has signed in just now."""
    if get_adapter(request).get_reauthentication_methods(request.user):
        return True  # allauth has asked
    times = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(times) and time.time() - max(times) < FRESH_SECONDS


def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to a sign-in provider through an intermediate page.

    The content security policy allows forms to this site only, and browsers apply that to the redirects that follow,
    which the provider chooses. A page's own refresh does not count as a form's redirect.
    """
    answer: HttpResponse = oidc_login(request, provider_id)
    if isinstance(answer, HttpResponseRedirect) and answer.url.startswith(("https://", "http://")):
        return render(request, "socialaccount/login_redirect.html", {"redirect_to": answer.url, "provider": "Globus"})
    return answer
