"""System checks for `manage.py check --deploy`: settings with which the service cannot work.

Each rule is a line in one of the tables, or a function that yields errors. settings.py reads the environment; variables
whose names resemble those of settings are reported as misspelt.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004  (Django's name)
from django.db import DatabaseError
from django.utils.module_loading import import_string

from gas.jobs.catalogue import references
from gas.settings import env

#: Numbers that may be zero. All other numbers from the environment must be greater.
MAY_BE_ZERO = frozenset(
    {
        "ARCHIVE_AFTER_SECONDS",
        "DOWNGRADE_NOTICE_SECONDS",
        "EXPEDITED_EVERY_DAYS",
        "EXPLORER_TEMPORARY_BYTES",
        "INVENTORY_DAYS",
        "PAST_DUE_GRACE_DAYS",
        "STORAGE_SCAN_HOURS",
    }
)
PRICES = "PRICE_"
WEEK, HALF_DAY = 604_800, 43_200
#: The maximum that AWS accepts: presigned addresses, long polls, and visibility timeouts of SQS.
AT_MOST = {
    "UPLOAD_EXPIRES_SECONDS": WEEK,
    "DOWNLOAD_EXPIRES_SECONDS": WEEK,
    "SQS_WAIT_SECONDS": 20,
    "VISIBILITY_TIMEOUT_SECONDS": HALF_DAY,
}
#: (the smaller, the larger, whether they may be equal)
IN_ORDER = (
    ("ANNOTATE_SOFT_LIMIT_SECONDS", "ANNOTATE_HARD_LIMIT_SECONDS", False),
    ("UPLOAD_MAX_BYTES", "ANNOTATE_EXPANDED_MAX_BYTES", True),
    ("PREMIUM_UPLOAD_MAX_BYTES", "PREMIUM_EXPANDED_MAX_BYTES", True),
    ("UPLOAD_MAX_BYTES", "PREMIUM_UPLOAD_MAX_BYTES", True),
)
#: Pairs of settings that need each other.
TOGETHER = (("STRIPE_SECRET_KEY", "STRIPE_PRICE_ID"), ("GLOBUS_CLIENT_ID", "GLOBUS_CLIENT_SECRET"))
FOLDERS = ("WORK_DIR", "REFERENCES_DIR", "EXPLORER_CACHE_DIR")
#: Files of the front-end build, by the names that pages use.
FRONT_END = (
    "dist/app.css",
    "dist/app.js",
    "dist/genome.js",
    "dist/passkeys.js",
    "dist/theme.js",
    "dist/upload.js",
    "dist/icons.svg",
)
#: Prefixes of our names. boto3, Django, Python and the shell have other names.
OUR_BEGINNINGS = (
    *(
        "ACCOUNT_",
        "ALERT_",
        "ANNOTATE_",
        "API_",
        "ARCHIVE_",
        "CLOCK_",
        "DEVSTACK_",
        "DOWNGRADE_",
        "DOWNLOAD_",
        "EXPEDITED_",
    ),
    *(
        "EXPLORER_",
        "FAULT_",
        "GLACIER_",
        "GLOBUS_",
        "INVENTORY_",
        "LEASE_",
        "MAX_",
        "NOTICES_",
        "PAST_DUE_",
        "POLL_",
        "SHARE_",
        "PREMIUM_",
    ),
    *("PRICE_", "RECONCILE_", "REFERENCES_", "RESEND_", "RESTORE_", "RETRIEVAL_", "S3_", "SQS_", "STORAGE_", "STRIPE_"),
    *("SWEEP_", "UPLOAD_", "UPLOADS_", "WEBHOOK_"),
)
#: Variables that other modules than settings.py read.
OTHERS = frozenset(
    {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS", "AWS_DEFAULT_REGION", "STATIC_ROOT"}
    | {"DEVSTACK_DEMO_PASSWORD", "DEVSTACK_STAFF_PASSWORD", "DEVSTACK_STRIPE_WEBHOOK_SECRET"}
)
SIMILAR = 0.85


def numbers() -> Iterator[str]:
    """Yield numbers out of range."""
    read = env.dump().items()
    for name in [name for name, value in read if isinstance(value, int | float) and not isinstance(value, bool)]:
        value = getattr(settings, name)
        may_be_zero = name in MAY_BE_ZERO or name.startswith(PRICES)
        if not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
            yield f"{name} is {value}: it must be {'zero or more' if may_be_zero else 'greater than zero'}."
    for name, most in AT_MOST.items():
        if getattr(settings, name) > most:
            yield f"{name} is {getattr(settings, name)}: AWS takes {most} at most."


def order() -> Iterator[str]:
    """Yield limits that contradict each other."""
    for small, large, may_be_equal in IN_ORDER:
        less, more = getattr(settings, small), getattr(settings, large)
        if less > more or (less == more and not may_be_equal):
            yield f"{small} ({less}) must be {'at most' if may_be_equal else 'less than'} {large} ({more})."


def together() -> Iterator[str]:
    """Yield settings whose counterpart is missing."""
    for pair in TOGETHER:
        given = [name for name in pair if getattr(settings, name)]
        if len(given) == 1:
            (missing,) = set(pair) - set(given)
            yield f"{given[0]} needs {missing}."


def addresses() -> Iterator[str]:
    """Yield invalid addresses, and addresses with parts that cannot work."""
    site = urlsplit(settings.SITE_URL)
    if site.scheme not in {"http", "https"} or not site.hostname:
        yield f"SITE_URL is {settings.SITE_URL!r}: it must be an address such as https://gas.example.org."
    elif site.path or site.query or site.fragment or "@" in site.netloc:
        yield "SITE_URL is more than a scheme, a host and a port: the service answers at the root of its host alone."
    queues = urlsplit(settings.SQS_QUEUE_URL_BASE)
    if queues.scheme not in {"http", "https"} or not queues.hostname:
        yield "SQS_QUEUE_URL_BASE is no address: it is what comes before a queue's name in its URL."


def mail() -> Iterator[str]:
    """Yield a message if the mail backend does not exist."""
    try:
        import_string(settings.EMAIL_BACKEND)
    except ImportError as error:
        yield f"EMAIL_BACKEND cannot be imported: {error}."


def folders() -> Iterator[str]:
    """Yield folders that do not exist or cannot be used."""
    for name in FOLDERS:
        folder: Path | None = getattr(settings, name)
        if folder is not None and not folder.is_dir():
            yield f"{name} is {folder}, which is not a folder."
        elif folder is not None and not os.access(folder, os.R_OK | os.X_OK):
            yield f"{name} is {folder}, which this user cannot read."
    if settings.WORK_DIR and settings.WORK_DIR.is_dir() and not os.access(settings.WORK_DIR, os.W_OK):
        yield f"WORK_DIR is {settings.WORK_DIR}, which this user cannot write to."


def reference() -> Iterator[str]:
    """Yield a message if the default reference cannot be chosen."""
    try:
        known = references.is_known(settings.DEFAULT_REFERENCE)
    except DatabaseError:
        return  # before the first migration there is nothing to compare with
    if not known:
        yield f"DEFAULT_REFERENCE is {settings.DEFAULT_REFERENCE!r}, which is not installed, published or in use."


def front_end() -> Iterator[str]:
    """Yield files without which every page is an error."""
    missing = [name for name in FRONT_END if not _is_served(name)]
    if missing:
        yield f"There is no front-end build ({', '.join(missing)}): run npm ci, npm run build, manage.py collectstatic."


def _is_served(name: str) -> bool:
    if settings.WHITENOISE_USE_FINDERS:
        return bool(finders.find(name))
    try:
        return staticfiles_storage.exists(staticfiles_storage.stored_name(name))  # type: ignore[attr-defined]
    except ValueError:
        return False


def misspelt(environment: Iterable[str] | None = None) -> Iterator[str]:
    """Yield names in the environment that resemble settings but are none."""
    ours = set(env.dump())
    for name in sorted(set(settings.ENVIRONMENT_NAMES if environment is None else environment) - ours - OTHERS):
        similar = get_close_matches(name, ours, n=1, cutoff=SIMILAR)
        if similar:
            yield f"{name} is no setting: is {similar[0]} meant?"
        elif name.startswith(OUR_BEGINNINGS):
            yield f"{name} is no setting: see docs/settings.md."


Rule = Callable[[], Iterator[str]]
#: id → function that yields errors. Misspelt names are guesses, so they are only warnings.
RULES: Sequence[tuple[str, Rule, type[Error | Warning]]] = (
    ("gas.E001", numbers, Error),
    ("gas.E002", order, Error),
    ("gas.E003", together, Error),
    ("gas.E004", addresses, Error),
    ("gas.E005", mail, Error),
    ("gas.E006", folders, Error),
    ("gas.E007", reference, Error),
    ("gas.E008", front_end, Error),
    ("gas.W001", misspelt, Warning),
)


@register(deploy=True)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Apply all rules, for `manage.py check --deploy`."""
    return [kind(text, id=code) for code, rule, kind in RULES for text in rule()]
