"""Make ready for Stripe: check key and price, and register the webhook endpoint. Safe to repeat.

With --secret nothing is registered: webhooks are accepted that somebody else passes on and that are signed with that
secret, as `stripe listen` does on a machine that Stripe cannot reach.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gas.subscriptions import stripe
from gas.subscriptions.endpoint import ensure_endpoint, keep_secret


class Command(BaseCommand):
    """Create or repair the webhook endpoint at Stripe."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--secret", default="", help="whsec_…, as `stripe listen` prints it")

    def handle(self, *args: Any, **options: Any) -> None:
        if not stripe.enabled():
            raise CommandError("Set STRIPE_SECRET_KEY and STRIPE_PRICE_ID first; see docs/billing.md.")
        secret = options["secret"]
        if secret and not secret.startswith("whsec_"):
            raise CommandError("A signing secret begins with whsec_.")
        try:
            account = stripe.keep_account()
            price = stripe.retrieve_price()
            url, new = (keep_secret(secret), False) if secret else ensure_endpoint()
        except stripe.BillingUnavailable as error:
            raise CommandError(f"{error} {error.__cause__ or ''}".strip()) from error
        if not options["verbosity"]:
            return
        self.stdout.write(f"Account {account}, Premium at {price}.")
        if secret:
            self.stdout.write(f"Webhooks are accepted at {url}")
        else:
            self.stdout.write(f"{'Registered' if new else 'Found'} the webhook endpoint {url}")
