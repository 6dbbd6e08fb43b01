"""How many mails anybody may cause by typing an address, with an account or without.

Each pair of address and client has its own count, so that nobody uses up another's; the count of an address bounds what
many clients together can send to one mailbox.
"""

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.internal import ratelimit

#: To these an address without an account (or one that signs up again) is told so: news that nobody needs twice.
TOLD_RARELY = ("account/email/unknown_account", "account/email/account_already_exists")


def refuse_too_many_mails(email: str) -> None:
    """Count a mail that somebody asks for in a form.

    Raises:
        ValidationError: this client, or all together, have asked for too many to this address.
    """
    request, address = context.request, email.lower()
    pair = f"{address}:{ratelimit.get_ip(request)}"
    if not (_take("mail_asked", pair) and _take("mail_address", address)):
        raise get_adapter().validation_error("too_many_mails")


def may_be_told(template_prefix: str, email: str) -> bool:
    """Whether this mail may be sent, or the address has had enough of its kind."""
    return template_prefix not in TOLD_RARELY or _take("mail_unknown", email.lower())


def _take(action: str, key: str) -> bool:
    taken = ratelimit.consume(context.request, app="allauth.account", action=action, key=key, limit_get=True)
    return taken is not None
