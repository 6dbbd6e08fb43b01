"""The sign-in of the command line, by the device flow of allauth's OpenID provider."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.idp.oidc import views as oidc
from allauth.idp.oidc.internal.oauthlib import device_codes
from allauth.idp.oidc.internal.oauthlib.request_validator import OAuthLibRequestValidator
from allauth.idp.oidc.internal.oauthlib.server import get_server
from allauth.idp.oidc.internal.oauthlib.utils import convert_response, extract_params
from allauth.idp.oidc.models import Client
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.utils import scope_to_list
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from gas.api.scopes import SCOPES
from gas.rate_limits import RateLimit
from gas.staff.audit import log_own_action
from gas.users.models import User
from gas.users.requests import PersonRequest

#: Sign-ins that programs at one address begin in a minute.
SIGN_INS = RateLimit("device-codes", seconds=60)
SIGN_INS_A_MINUTE = 10


@csrf_exempt
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Give a program a code. The program has no account yet, so that an address may ask only so often."""
    if not SIGN_INS.take(get_adapter(request).get_client_ip(request), SIGN_INS_A_MINUTE):
        body = {"error": "slow_down", "error_description": "Too many sign-ins. Wait a minute."}
        return JsonResponse(body, status=429, headers={"Retry-After": "60"})
    answer: HttpResponse = oidc.device_code(request)
    return answer


class _ConfirmView(oidc.DeviceAuthorizationView):  # type: ignore[misc]
    """allauth's page, which also says what the program will be allowed to do, and leaves a trace in the audit log."""

    def _dispatch_authorization(
        self, request: PersonRequest, user_code: str, device_code: str, client: Client
    ) -> HttpResponse:
        if request.POST.get("action") not in {"confirm", "deny"}:
            allowed = [SCOPES[scope] for scope in _scopes(device_code, client)]
            values = {"user_code": user_code, "client": client, "allowed": allowed}
            return render(request, "idp/oidc/device_authorization_confirm_form.html", values)
        answer: HttpResponse = super()._dispatch_authorization(request, user_code, device_code, client)
        if _confirms(request):
            log_own_action(request.user, f"Let the program {client.name} sign in.")
        return answer


def _scopes(device_code: str, client: Client) -> list[str]:
    """Return the scopes that the token of a device code gets: those asked for, or else the client's default."""
    asked = cache.get(device_codes.cache_device_code_key(device_code)) or {}
    return list(asked.get("scope") or client.get_default_scopes())


def _confirms(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("action") == "confirm"


_confirm = _ConfirmView.as_view()


@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required(enabled=_confirms)  # type: ignore[untyped-decorator]
def confirm(request: HttpRequest) -> HttpResponse:
    """Have a person confirm the code of a program, shortly after they gave their password.

    allauth's own view is exempt from the CSRF check, so that another site could have a person confirm its own code.
    """
    answer: HttpResponse = _confirm(request)
    return answer


class _Granted(OAuthLibRequestValidator):  # type: ignore[misc]
    """Tells oauthlib 4 what allauth has found of a device code before it asks oauthlib for a token."""

    def __init__(self, user: User | None) -> None:
        super().__init__()
        self._user = user

    def validate_device_code(self, client_id: str, code: str, request: Request, *_: Any, **__: Any) -> str | None:
        """Return that the code is authorized if a person confirmed it, and set the scopes that were asked for."""
        if self._user is None:
            return None
        request.scopes = scope_to_list(request.scope) or request.client.get_default_scopes()
        return str(DeviceCodeGrant.DEVICE_CODE_AUTHORIZED)


class _TokenView(oidc.TokenView):  # type: ignore[misc]
    """allauth 65.21 lacks `validate_device_code`, which oauthlib 4 calls."""

    def _create_token_response(
        self, request: HttpRequest, *, user: User | None = None, data: dict[str, Any] | None = None
    ) -> HttpResponse:
        server = get_server(pre_token=[lambda asked: self._pre_token(asked, user, data)])
        server.device_code_grant.request_validator = _Granted(user)
        answer: HttpResponse = convert_response(*server.create_token_response(*extract_params(request)))
        return answer


token = _TokenView.as_view()
