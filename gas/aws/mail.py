"""The SES client's configuration."""

from botocore.config import Config


def mail_config() -> Config:
    """Return the configuration of anymail's SES client: one try of at most 25 seconds.

    botocore's own retries could send a mail twice when only the response was lost, and would outlast the claim on the
    notice. gas.jobs.mails.notices retries by itself.
    """
    return Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
