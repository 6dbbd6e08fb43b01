"""A person's tokens, and the programs that are signed in."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.idp.oidc.models import Token
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gas.api import tokens
from gas.api.models import AccessToken
from gas.api.pages.forms import TokenForm
from gas.staff.audit import log_own_action
from gas.users.requests import PersonRequest


@login_required
@require_GET
@never_cache
def token_list(request: PersonRequest) -> HttpResponse:
    """List the person's tokens, and the programs that are signed in."""
    return render(request, "api/tokens.html", _tokens(request, TokenForm()))


def _tokens(request: PersonRequest, form: TokenForm) -> dict[str, Any]:
    signed_in = Token.objects.valid().filter(user=request.user, type=Token.Type.REFRESH_TOKEN)
    return {
        "form": form,
        "tokens": AccessToken.objects.filter(owner=request.user),
        "programs": signed_in.select_related("client").order_by("-created_at"),
    }


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def make_token(request: PersonRequest) -> HttpResponse:
    """Make a token, and show it once (POST). Who comes back here otherwise gets the form (GET)."""
    if request.method == "GET":
        return redirect("api:tokens")
    form = TokenForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            row, token = tokens.make(request.user, name=asked["name"], scopes=asked["scopes"], lifetime=form.lifetime)
        except tokens.TooManyTokens as refusal:
            form.add_error(None, str(refusal))
        else:
            return render(request, "api/token_made.html", {"row": row, "token": token})
    return render(request, "api/tokens.html", _tokens(request, form))


@login_required
@require_POST
def revoke_token(request: PersonRequest, token_id: UUID) -> HttpResponse:
    """Revoke one of the person's tokens."""
    row = get_object_or_404(AccessToken, pk=token_id, owner=request.user)
    if tokens.revoke(row, actor=request.user):
        messages.success(request, f"The token “{row.name}” is revoked.")
    return redirect("api:tokens")


@login_required
@require_POST
def sign_programs_out(request: PersonRequest) -> HttpResponse:
    """End all sign-ins of programs."""
    if tokens.sign_programs_out(request.user):
        log_own_action(request.user, "Signed all programs out.")
        messages.success(request, "All programs are signed out.")
    return redirect("api:tokens")
