"""Classify errors of the mail service: whether the service is down, and whether another try can help."""

from smtplib import SMTPRecipientsRefused, SMTPResponseException

from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from gas.aws.clients import error_code


def is_outage(error: Exception) -> bool:
    """Return whether the mail service itself fails: no connection, no answer in time, throttling, or a 5xx.

    A rejected mail does not mean that the next one fails. SES also rejects an unverified sender, which staff can fix,
    so such a mail stays owed.
    """
    cause = _cause(error)
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 429 or "Throttl" in error_code(cause) or "TooMany" in error_code(cause)
    if isinstance(cause, SMTPRecipientsRefused):
        return False
    if isinstance(cause, SMTPResponseException):
        return cause.smtp_code < 500  # 4xx is SMTP's "later"
    return isinstance(cause, (OSError, BotoCoreError))


def is_refused_for_good(error: Exception) -> bool:
    """Return whether no try will ever succeed: the mail or an address in it is malformed."""
    cause = _cause(error)
    malformed = isinstance(cause, (AnymailInvalidAddress, ParamValidationError))
    return malformed or error_code(cause) == "BadRequestException"


def _cause(error: Exception) -> Exception:
    """Return the error of boto3 that anymail wrapped, or the error itself."""
    wrapped = error.__cause__ if isinstance(error, AnymailAPIError) else None
    return wrapped if isinstance(wrapped, Exception) else error
