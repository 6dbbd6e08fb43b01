from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
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
    """dj-stripe looks into the database at every check, so at every worker's start and before there are tables. What
    it looks for, an endpoint without its secret, `manage.py setup_stripe` finds and repairs.
    """
    from django.core.checks.registry import registry  # noqa: PLC0415
    from djstripe import checks  # noqa: PLC0415

    for check in (checks.check_webhook_validation, checks.check_webhook_endpoint_has_secret):
        registry.registered_checks.discard(check)
