"""The service's environment on one machine: every setting that the embedded parts decide."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.aws.credentials import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from devstack.aws.provision import NOTICES_QUEUE
from devstack.stripe import PRICE
from devstack.stripe import SECRET_KEY as STRIPE_KEY

#: The name of the database's file in the data folder.
DATABASE = "gas.sqlite3"
#: What processes may inherit. All else would let one machine's settings leak into the stack.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Account:
    email: str
    name: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))


@dataclass(frozen=True)
class Accounts:
    """Made at every start, with new passwords."""

    demo: Account = field(default_factory=lambda: Account("demo@gas.example", "Demo Scientist"))
    staff: Account = field(default_factory=lambda: Account("staff@gas.example", "Staff"))


def build_environment(
    data: Path,
    *,
    web_port: int,
    aws_port: int,
    accounts: Accounts,
    overrides: Mapping[str, str],
    stripe_port: int | None = None,
) -> dict[str, str]:
    """Environment variables for every process of the service, as gas/settings.py reads them.

    Without a stripe_port nobody can subscribe.
    """
    web, aws = f"http://127.0.0.1:{web_port}", f"http://127.0.0.1:{aws_port}"
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "gas.settings",
        "DEVSTACK": "1",
        "DEVSTACK_MAIL_URL": f"{aws}/_devstack/mail/",
        "DEVSTACK_DEMO_PASSWORD": accounts.demo.password,
        "DEVSTACK_STAFF_PASSWORD": accounts.staff.password,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SITE_URL": web,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": f"sqlite:///{data / DATABASE}",
        "WORK_DIR": str(data / "work"),
        "DEFAULT_FROM_EMAIL": "GAS <no-reply@gas.example>",
        "AWS_ENDPOINT_URL": aws,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SQS_QUEUE_URL_BASE": f"{aws}/{ACCOUNT}/",
        "GLACIER_NOTICES_QUEUE": NOTICES_QUEUE,
        # The emulated Glacier takes seconds: short enough to watch.
        "WEBHOOK_ALLOW_HTTP": "true",  # to receivers on this machine
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        "NOTICES_SECONDS": "2",
        "POLL_EXPEDITED_SECONDS": "5",
        "POLL_STANDARD_SECONDS": "10",
        "CELERY_BROKER_URL": f"sqs://{ACCESS_KEY}:{SECRET_KEY}@127.0.0.1:{aws_port}",
        **({} if stripe_port is None else _stripe(stripe_port)),
        **overrides,
    }


def _stripe(port: int) -> dict[str, str]:
    return {
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_API_BASE": f"http://127.0.0.1:{port}",
        "STRIPE_PRICE_ID": PRICE,
    }


def real_stripe(given: Mapping[str, str]) -> dict[str, str]:
    """Overrides that have the stack use real Stripe in its test mode, if a key for it is given; else none.

    STRIPE_WEBHOOK_SECRET is what `stripe listen` prints, which passes webhooks on to this machine.

    Raises:
        ValueError: the key is a live one, or there is no price.
    """
    key, price = given.get("STRIPE_SECRET_KEY", ""), given.get("STRIPE_PRICE_ID", "")
    if not key:
        return {}
    if "_test_" not in key:
        raise ValueError("STRIPE_SECRET_KEY is not a test key: this stack is for trying things out.")
    if not price:
        raise ValueError("STRIPE_SECRET_KEY also needs STRIPE_PRICE_ID, the id of a monthly price.")
    return {
        "STRIPE_SECRET_KEY": key,
        "STRIPE_PRICE_ID": price,
        "STRIPE_API_BASE": "",
        "DEVSTACK_STRIPE_WEBHOOK_SECRET": given.get("STRIPE_WEBHOOK_SECRET", ""),
    }
