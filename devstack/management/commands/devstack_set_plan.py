"""Give a person a plan, as the admin site would, for demonstrations and tests."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("plan", choices=PlanChoice.values)
        parser.add_argument("--at", type=float, default=0, help="seconds since 1970 to wait for, to meet a deadline")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"]).first()
        if user is None:
            raise CommandError(f"nobody has the address {options['email']}")
        time.sleep(max(0, options["at"] - time.time()))
        changed = set_plan(user, PlanChoice(options["plan"]), reason="the demonstration")
        self.stdout.write("changed" if changed else "they had it")
