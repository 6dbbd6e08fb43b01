"""All of Celery's settings. The environment is read in gas/settings.py, and named in docs/settings.md."""

from django.conf import settings
from kombu import Queue

from gas.aws.broker import predefined_queues
from gas.tasknames import (
    QUEUES,
    READ_NOTICES,
    RECONCILE,
    ROUTES,
    SCAN_STORAGE,
    SEND_OWED_MAIL,
    SWEEP,
    TEND,
    TEND_API,
    TEND_INVENTORY,
    TEND_VARIANT_EXPORTS,
    TEND_WEBHOOKS,
)

# --- Broker: SQS, whose queues, delays and dead-letter queues are made by the deployment, never by a worker.

broker_url = settings.CELERY_BROKER_URL
broker_transport_options = {
    "region": settings.AWS_REGION,
    "is_secure": not settings.AWS_ENDPOINT_URL.startswith("http://"),
    "predefined_queues": predefined_queues(settings.SQS_QUEUE_URL_BASE, QUEUES),
    "visibility_timeout": settings.VISIBILITY_TIMEOUT_SECONDS,
    # Long polling. kombu also hides a rejected message for this long before its next delivery.
    "wait_time_seconds": settings.SQS_WAIT_SECONDS,
    "polling_interval": 0.1,
    # A request that confirms an upload must not hang with SQS. Reads outlast the long poll.
    "client-config": {
        "connect_timeout": 3,
        "read_timeout": settings.SQS_WAIT_SECONDS + 10,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    },
}
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0}
broker_connection_retry_on_startup = True

# --- Routes

task_default_queue = "gas-default"
task_queues = [Queue(name, routing_key=name) for name in QUEUES]
task_create_missing_queues = False
task_routes = ROUTES
imports = (
    "annotator.tasks",
    "archive.tasks",
    "gas.api.tasks",
    "gas.explorer.tasks",
    "gas.jobs.tasks",
    "gas.subscriptions.tasks",
    "gas.users.tasks",
    "gas.webhooks.tasks",
    "restore.tasks",
)

# --- Delivery: a message is deleted when its work is done, so that a worker's death loses nothing. A task that
# fails or whose worker is lost comes back, and after five times goes to its dead-letter queue.

task_acks_late = True
task_reject_on_worker_lost = True
task_acks_on_failure = False
task_acks_on_timeout = False
worker_prefetch_multiplier = 1

# --- Limits: soft < hard < visibility timeout

task_soft_time_limit = settings.ANNOTATE_SOFT_LIMIT_SECONDS
task_time_limit = settings.ANNOTATE_HARD_LIMIT_SECONDS
worker_max_tasks_per_child = 1000

# --- Wire: JSON only. SQS has no remote control or events, and nobody waits for a result.

accept_content = ["json"]
task_serializer = "json"
task_ignore_result = True
worker_enable_remote_control = False
worker_send_task_events = False
enable_utc = True

# --- Beat. No message expires: that would be decided by two machines' clocks (see gas.rounds.just_taken).

beat_schedule = {
    "sweep": {"task": SWEEP, "schedule": settings.SWEEP_SECONDS},
    "mail": {"task": SEND_OWED_MAIL, "schedule": settings.SWEEP_SECONDS},
    "tend": {"task": TEND, "schedule": settings.SWEEP_SECONDS},
    "variant exports": {"task": TEND_VARIANT_EXPORTS, "schedule": settings.SWEEP_SECONDS},
    "webhooks": {"task": TEND_WEBHOOKS, "schedule": settings.SWEEP_SECONDS},
    "api": {"task": TEND_API, "schedule": 3600},
}
if settings.STRIPE_SECRET_KEY:
    beat_schedule["reconcile"] = {"task": RECONCILE, "schedule": settings.RECONCILE_SECONDS}
if settings.INVENTORY_DAYS:
    beat_schedule["inventory"] = {"task": TEND_INVENTORY, "schedule": 3600}
if settings.STORAGE_SCAN_HOURS:
    beat_schedule["storage"] = {"task": SCAN_STORAGE, "schedule": 3600}
if settings.GLACIER_NOTICES_QUEUE:
    beat_schedule["notices"] = {"task": READ_NOTICES, "schedule": settings.NOTICES_SECONDS}
