"""How many mails anybody may cause by typing an address, with an account or without.

Each pair of address and client has its own count, so that nobody uses up another's; the count of an address bounds what
many clients together can send to one mailbox.
"""

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.internal import ratelimit

#: They tell an address that it has no account, or has one already: news that nobody needs often.
TOLD_RARELY = {"account/email/unknown_account", "account/email/account_already_exists"}
#: The mails that somebody causes who only types an address.
TYPED = TOLD_RARELY | {
    "account/email/email_confirmation_signup",
    "account/email/login_code",
    "account/email/password_reset_key",
}


def refuse_too_many_mails(email: str) -> None:
    """Count a mail that somebody asks for in a form.

    Raises:
        ValidationError: this client, or all together, have asked for too many to this address.
    """
    request, address = context.request, email.lower()
    pair = f"{address}:{ratelimit.get_ip(request)}"
    if not (_take("mail_asked", pair) and _take("mail_address", address)):
        raise get_adapter().validation_error("too_many_mails")


def was_mailed_often(template_prefix: str, email: str) -> bool:
    """Count a mail to an address that somebody typed. Return whether it had enough of them within the hour.

    Addresses with an account and without are counted alike, so that asking often does not tell which have one.
    """
    return template_prefix in TYPED and not _take("mail_at_once", email.lower())


def _take(action: str, key: str) -> bool:
    taken = ratelimit.consume(context.request, app="allauth.account", action=action, key=key, limit_get=True)
    return taken is not None
