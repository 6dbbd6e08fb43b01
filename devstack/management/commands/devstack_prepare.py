"""Make the tables and the accounts of a fresh stack. Run by the stack, in its environment."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from devstack.environment import Account
from devstack.seed import make_account


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        demo = Account("demo@gas.example", "Demo Scientist", os.environ["DEVSTACK_DEMO_PASSWORD"])
        staff = Account("staff@gas.example", "Staff", os.environ["DEVSTACK_STAFF_PASSWORD"])
        make_account(email=demo.email, name=demo.name, password=demo.password)
        make_account(email=staff.email, name=staff.name, password=staff.password, staff=True)
