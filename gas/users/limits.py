"""Limits on the mails that anyone can cause by typing an address, with or without an account.

Each pair of address and client has its own count, so that nobody uses up the limit of another; the count of an address
limits what many clients together can send to one mailbox.
"""

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.internal import ratelimit

#: Mails that say whether an address has an account. Nobody needs them often.
TOLD_RARELY = {"account/email/unknown_account", "account/email/account_already_exists"}
#: Mails that anyone can cause by typing an address.
TYPED = TOLD_RARELY | {
    "account/email/email_confirmation_signup",
    "account/email/login_code",
    "account/email/password_reset_key",
}


def refuse_too_many_mails(email: str) -> None:
    """Count a mail that is requested in a form.

    Raises:
        ValidationError: this client, or all clients together, have requested too many mails to this address.
    """
    request, address = context.request, email.lower()
    pair = f"{address}:{ratelimit.get_ip(request)}"
    if not (_take("mail_asked", pair) and _take("mail_address", address)):
        raise get_adapter().validation_error("too_many_mails")


def was_mailed_often(template_prefix: str, email: str) -> bool:
    """Count a mail to a typed address. Return whether the address got too many within the hour.

    Addresses with and without an account are counted alike, so that repeated requests do not reveal which have one.
    """
    return template_prefix in TYPED and not _take("mail_at_once", email.lower())


def _take(action: str, key: str) -> bool:
    taken = ratelimit.consume(context.request, app="allauth.account", action=action, key=key, limit_get=True)
    return taken is not None
