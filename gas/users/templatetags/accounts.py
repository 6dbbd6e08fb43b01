"""Template tags about sign-in methods: what a person can do with each, and why not."""

from collections.abc import Iterator
from dataclasses import dataclass

from allauth.account.internal.flows.manage_email import can_delete_email, can_mark_as_primary
from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.internal.flows.connect import validate_disconnect
from allauth.socialaccount.models import SocialAccount
from django import template
from django.core.exceptions import ValidationError
from django.template import RequestContext

from gas.users.models import User

register = template.Library()


@dataclass(frozen=True)
class AddressRow:
    """An e-mail address, and what can be done with it.

    address: the address.
    can_be_primary: it can become the primary one.
    can_be_removed: it can be removed.
    """

    address: EmailAddress
    can_be_primary: bool
    can_be_removed: bool


@register.simple_tag
def address_rows(user: User) -> list[AddressRow]:
    """{% address_rows user as rows %}: the person's addresses, the primary one first."""
    addresses = EmailAddress.objects.filter(user=user).order_by("-primary", "email")
    return [AddressRow(one, not one.primary and can_mark_as_primary(one), can_delete_email(one)) for one in addresses]


@register.simple_tag
def has_second_factor(user: User) -> bool:
    """{% has_second_factor user as locked %}: an address cannot be added while the person has one."""
    return bool(is_mfa_enabled(user))


@register.simple_tag
def unconfirmed(user: User) -> list[str]:
    """{% unconfirmed user as addresses %}: the addresses without which a second factor cannot be added."""
    found: Iterator[str] = EmailAddress.objects.filter(user=user, verified=False).values_list("email", flat=True)
    return list(found)


@register.simple_tag(takes_context=True)
def unlink_refusal(context: RequestContext, account: SocialAccount) -> str:
    """{% unlink_refusal account as why %}: why the linked sign-in cannot be unlinked; "" if it can."""
    try:
        validate_disconnect(context["request"], account)
    except ValidationError as refusal:
        return str(refusal.message)
    return ""
