"""Adapters of django-allauth: names, limits, and how far a sign-in provider is trusted."""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from gas.mail.outbox import KEEP, deliver, owe
from gas.users.limits import TOLD_RARELY, was_mailed_often
from gas.users.models import User
from gas.users.owners import close_all_ways_in, is_claimed_only, is_known_here, nobody_proved


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Send mail without raising into a request, and limit guesses without locking people out.

    Wrong passwords are counted for each pair of account and client (5 in five minutes), for each client, and, with a
    much higher limit, for each account: an attacker who guesses from many addresses blocks sign-in by password for that
    hour. No number of wrong passwords blocks a mailed code or a password reset.
    """

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many failed attempts. Get a code by mail, or wait five minutes.",
        "too_many_mails": "Many mails were asked for with this address. Look into its mailbox, or wait an hour.",
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail of allauth. If the mail service does not accept it now, it is sent later.

        If an address was mailed often, no request sends to it at once: a mail that its owner may need is sent by the
        next round of beat, and a mail that only says whether there is an account is left out. The page is the same.
        """
        request = allauth_context.request
        shown = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        keep = timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT) if "code" in context else KEEP
        message = self.render_mail(template_prefix, email, shown)
        if was_mailed_often(template_prefix, email):
            sent = False
            if template_prefix not in TOLD_RARELY:
                owe(message, keep=keep)
        else:
            sent = deliver(message, keep=keep)
        if not sent and hasattr(request, "_messages"):
            messages.warning(request, "Our mail is delayed at the moment. It will come; you need not ask for it again.")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        self._account_usage = ratelimit.consume(
            request, action="login_failed_account", key=_login_of(credentials), app="allauth.account"
        )
        if not self._account_usage:
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        if usage := getattr(self, "_account_usage", None):
            usage.rollback()

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"{super()._get_login_attempts_cache_key(request, **credentials)}:{ratelimit.get_ip(request)}"

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Clear the count after a password reset."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, app="allauth.account", action="login_failed_account", key=_login_of(credentials))

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address when the button on the page of a mailed link is pressed.

        The owner of the mailbox presses it, who need not be the person who made the account. Confirming requires a
        sign-in to the account, so that nobody confirms a stranger's account.
        """
        if not is_known_here(request, email_address.user):
            messages.info(request, "Sign in first, in this browser. Then open the link in the mail again.")
            query = urlencode({"next": request.path})
            raise ImmediateHttpResponse(redirect(f"{reverse('account_login')}?{query}"))
        return bool(super().confirm_email(request, email_address))


def _login_of(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email", "")).lower()


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """The names that authenticator apps and passkeys show."""

    def get_totp_issuer(self) -> str:
        return settings.SITE_NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": settings.SITE_NAME}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002  (allauth's name)
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Trust of sign-in providers. Globus Auth brokers hundreds, and asserts for none that it verified an address.

    So an address is confirmed by our own mail, unless the token says `"email_verified": true`.
    """

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Read the provider's claims. Called before any account is looked up."""
        claims = sociallogin.account.extra_data.get("id_token")
        if not claims:  # without a token there is nothing to trust
            raise PermissionDenied
        for address in sociallogin.email_addresses:
            address.verified = claims.get("email_verified") is True  # allauth would accept the string "false" as true
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or "")[: User._meta.get_field("name").max_length]
        return user

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """Return the account of an address, unless the account only claims it (`is_claimed_only`)."""
        found: tuple[User, str] | None = super().authenticate_by_email(sociallogin)
        return None if found and is_claimed_only(*found) else found

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Confirm an unconfirmed address of an account: the provider proves that it is this person's alone."""
        email = sociallogin._did_authenticate_by_email  # noqa: SLF001  (allauth has no public name for it)
        signs_in = sociallogin.state.get("process") not in {AuthProcess.CONNECT, AuthProcess.REDIRECT}
        if email and signs_in and nobody_proved(sociallogin.user):
            close_all_ways_in(sociallogin.user)
            address, _ = EmailAddress.objects.get_or_create(
                user=sociallogin.user,
                email=email.lower(),
                defaults={"primary": not EmailAddress.objects.filter(user=sociallogin.user, primary=True).exists()},
            )
            address.set_verified()
