"""The parts of this Stripe, put together."""

from dataclasses import dataclass

from devstack.stripe import objects
from devstack.stripe.billing import Billing
from devstack.stripe.clock import Clock
from devstack.stripe.store import Store
from devstack.stripe.webhooks import FIRST_PAUSE_SECONDS, Webhooks

PERIOD_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Service:
    store: Store
    billing: Billing
    webhooks: Webhooks
    clock: Clock

    def start(self) -> None:
        self.webhooks.start()
        self.clock.start()

    def stop(self) -> None:
        """Returns when no more webhook is sent."""
        self.webhooks.stop()
        self.clock.stop()


def build_service(*, period_seconds: int = PERIOD_SECONDS, first_pause: float = FIRST_PAUSE_SECONDS) -> Service:
    """With an account that sells one product at one price; nothing runs yet."""
    store = Store(period_seconds=period_seconds)
    for seeded in (objects.account(), objects.product(), objects.price()):
        store.add(seeded)
    billing = Billing(store)
    return Service(store, billing, Webhooks(store, first_pause=first_pause), Clock(billing))
