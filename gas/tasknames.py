"""The name of every task, and the one way to send one.

`gas` imports no worker: it sends by name. A name that has been in production stays registered, because messages
with it may still be in the queue.
"""

from typing import Any

from django.db import transaction

ANNOTATE = "annotator.annotate"
SEND_NOTICE = "gas.jobs.send_notice"
PURGE = "gas.jobs.purge"
SWEEP = "gas.jobs.sweep"
BUILD_EXPORT = "gas.users.build_export"
REMOVE_EXPORT = "gas.users.remove_export"
SEND_OWED_MAIL = "gas.users.send_owed_mail"
FOLLOW = "gas.subscriptions.follow"
TEND = "gas.subscriptions.tend"
RECONCILE = "gas.subscriptions.reconcile"
TEND_API = "gas.api.tend"
REMOVE_CUSTOMER = "gas.subscriptions.remove_customer"
UPDATE_CUSTOMER = "gas.subscriptions.update_customer"
ARCHIVE_RESULT = "archive.archive_result"
ARCHIVE_USER_RESULTS = "archive.archive_user_results"
DELETE_HOT_COPY = "archive.delete_hot_copy"
TEND_INVENTORY = "archive.tend_inventory"
SCAN_STORAGE = "archive.scan_storage"
REMOVE_COPY = "archive.remove_copy"
RESTORE_USER_RESULTS = "restore.restore_user_results"
START_BATCH = "restore.start_batch"
REQUEST_RETRIEVAL = "restore.request_retrieval"
POLL_RETRIEVAL = "restore.poll_retrieval"
RESTORE_RESULT = "restore.restore_result"
FINISH_BATCH = "restore.finish_batch"
POLL_ONCE = "restore.poll_once"
READ_NOTICES = "restore.read_notices"
BUILD_TABLES = "restore.build_tables"
BUILD_VARIANT_EXPORT = "gas.explorer.build_export"
TEND_VARIANT_EXPORTS = "gas.explorer.tend_exports"
DELIVER_WEBHOOK = "gas.webhooks.deliver"
TEND_WEBHOOKS = "gas.webhooks.tend"

QUEUES = ("gas-annotate", "gas-archive", "gas-restore", "gas-webhooks", "gas-default")
ROUTES = {
    # These may take long, and must not delay mails.
    BUILD_EXPORT: {"queue": "gas-archive"},
    BUILD_VARIANT_EXPORT: {"queue": "gas-archive"},
    # Receivers may be slow, too.
    DELIVER_WEBHOOK: {"queue": "gas-webhooks"},
    "annotator.*": {"queue": "gas-annotate"},
    "archive.*": {"queue": "gas-archive"},
    "restore.*": {"queue": "gas-restore"},
}


def send_after_commit(name: str, *args: Any, countdown: float = 0) -> None:
    """Send task `name` once the current transaction has committed, `countdown` seconds from then.

    Args are ids, never data. When the broker cannot be reached, the error is logged and the caller continues: the row
    says what is due, and the sweep sends it again.
    """
    from gas.celery import app

    def send() -> None:
        app.signature(name, args=[str(arg) for arg in args]).apply_async(countdown=countdown)

    transaction.on_commit(send, robust=True)
