"""Make the tables and the accounts of a fresh stack, and tell its Stripe where webhooks go. Run by the stack."""

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from devstack.processes.accounts import make_account
from devstack.processes.environment import Account


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        # Real Stripe cannot reach this machine: its webhooks come by way of `stripe listen`, signed with its secret.
        secret = os.environ.get("DEVSTACK_STRIPE_WEBHOOK_SECRET", "")
        if settings.STRIPE_SECRET_KEY and (settings.STRIPE_API_BASE or secret):
            call_command("setup_stripe", secret=secret, verbosity=0)
        demo = Account("demo@gas.example", "Demo Scientist", os.environ["DEVSTACK_DEMO_PASSWORD"])
        staff = Account("staff@gas.example", "Staff", os.environ["DEVSTACK_STAFF_PASSWORD"])
        make_account(email=demo.email, name=demo.name, password=demo.password)
        make_account(email=staff.email, name=staff.name, password=staff.password, staff=True)
