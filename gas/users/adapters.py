"""Where the service differs from allauth's ways: names, and what is believed of a sign-in provider."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from gas.users.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes, or reset your password.",
    }


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def get_totp_issuer(self) -> str:
        return settings.SITE_NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.SITE_NAME}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002  (allauth's name)
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Globus Auth brokers hundreds of identity providers, and says of none that it has verified an address.

    So an address is proved by our own mail, unless the token says `"email_verified": true`.
    """

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Called first of all with what the provider said, before any account is looked for."""
        claims = sociallogin.account.extra_data.get("id_token")
        if not claims:  # without its token there is nobody to believe
            raise PermissionDenied
        for address in sociallogin.email_addresses:
            address.verified = claims.get("email_verified") is True  # a string "false" would be true enough to allauth
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or "")[: User._meta.get_field("name").max_length]
        return user
