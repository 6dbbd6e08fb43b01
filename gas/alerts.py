"""What staff must hear of: to the log as an error, and by mail to whom ALERT_EMAILS names."""

import logging

from django.core.mail import mail_admins
from django.db import transaction

log = logging.getLogger(__name__)


def alert(subject: str, advice: str) -> None:
    """Tell at once. A mail that cannot be sent is logged too, and holds nobody up."""
    log.error("%s. %s", subject, advice)
    try:
        mail_admins(subject, f"{subject}.\n\n{advice}\n")
    except Exception:
        log.exception("the alert could not be mailed")


def alert_after_commit(subject: str, advice: str) -> None:
    transaction.on_commit(lambda: alert(subject, advice), robust=True)
