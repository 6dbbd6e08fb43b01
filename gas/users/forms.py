"""Forms of the account: profile, deletion, passkeys, mailed codes."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from allauth.account.forms import RequestLoginCodeForm, ResetPasswordForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms

from gas.users.limits import refuse_too_many_mails
from gas.users.models import User
from gas.users.owners import is_claimed_only

Choices = list[tuple[str, Any]]


def time_zones() -> Choices:
    """Return the time zones by region: [("", …), ("UTC", …), ("Europe", [("Europe/Athens", "Athens"), …]), …]."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        region, slash, place = name.partition("/")
        if slash and region not in {"Etc", "SystemV", "posix", "right"}:
            regions.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
    return [("", "The device’s own"), ("UTC", "UTC"), *regions.items()]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers only
    """The profile. Other posted fields are ignored."""

    time_zone = forms.ChoiceField(choices=time_zones, required=False, help_text="Times are shown in this zone.")

    class Meta:
        model = User
        fields = ("name", "institution", "time_zone", "mail_completed", "mail_failed", "mail_restored", "mail_details")
        widgets: ClassVar = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "institution": forms.TextInput(attrs={"autocomplete": "organization"}),
        }


class DeleteForm(forms.Form):
    """The account's address, typed, so that nobody deletes an account by accident."""

    email = forms.EmailField(
        label="Your e-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type the address of this account."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email.lower() != self._user.email.lower():
            raise forms.ValidationError("That is not the address of this account.")
        return email


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey, unless the person wants only a second factor."""

    name = forms.CharField(required=False, help_text="To tell your passkeys apart, such as “Work laptop”.")
    passwordless = forms.BooleanField(
        label="Sign in with it alone",
        required=False,
        initial=True,
        help_text="Without this, it is a second factor after your password: older hardware keys can do no more.",
    )


class CodeForm(RequestLoginCodeForm):  # type: ignore[misc]
    """Request a sign-in code. An address that its account only claims (`is_claimed_only`) signs nobody in."""

    _user: User | None

    def clean_email(self) -> str:
        email: str = super().clean_email()
        refuse_too_many_mails(email)
        if self._user and is_claimed_only(self._user, email):
            self._user = None
        return email


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]
    """Request a password reset, with the same rule."""

    users: list[User]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        refuse_too_many_mails(email)
        self.users = [user for user in self.users if not is_claimed_only(user, email)]
        return email
