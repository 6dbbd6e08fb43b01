"""The Django app `subscriptions`."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Connect the receivers of plans and payments."""

    name = "gas.subscriptions"
    label = "subscriptions"

    def ready(self) -> None:
        from gas.subscriptions import (  # noqa: PLC0415
            addresses,  # noqa: F401  (connects itself)
            personal,
            receivers,
            removal,  # noqa: F401  (connects itself)
            stripe,
        )

        stripe.configure()
        personal.register()
        receivers.connect()
        _leave_out_checks()


def _leave_out_checks() -> None:
    """Remove the system checks of dj-stripe that query the database.

    They would run at the start of every worker, and before the tables exist. `manage.py setup_stripe` finds and repairs
    what they look for: an endpoint without its secret.
    """
    from django.core.checks.registry import registry  # noqa: PLC0415
    from djstripe import checks  # noqa: PLC0415

    for check in (checks.check_webhook_validation, checks.check_webhook_endpoint_has_secret):
        registry.registered_checks.discard(check)
