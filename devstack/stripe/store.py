"""Everything that this Stripe knows, in memory, in the shape in which the API shows it."""

import secrets
import string
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from devstack.stripe.errors import missing

Object = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits
#: How the ids of each kind of object begin.
KINDS = {
    "account": "acct_",
    "product": "prod_",
    "price": "price_",
    "customer": "cus_",
    "payment_method": "pm_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "invoice": "in_",
    "line_item": "il_",
    "item": "li_",
    "checkout.session": "cs_test_",
    "billing_portal.session": "bps_",
    "event": "evt_",
    "webhook_endpoint": "we_",
}


def new_id(kind: str) -> str:
    return KINDS[kind] + "".join(secrets.choice(_LETTERS) for _ in range(24))


def now() -> int:
    """Unix time in whole seconds, as everywhere in the API."""
    return int(time.time())


@dataclass
class Hidden:
    """What the API does not show of an object: of a session its trial and its unfinished card, of others a secret."""

    secret: str = ""
    outcome: str = ""
    failing: bool = False
    details: dict[str, Any] = field(default_factory=dict)


class Store:
    """Hold `lock` for as long as a request or a change takes: it may be taken again by the same thread."""

    def __init__(self, *, period_seconds: int) -> None:
        self.lock = threading.RLock()
        self.period_seconds = period_seconds
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
        self._hidden: dict[str, Hidden] = {}
        self.on_event: Callable[[Object], None] = lambda _: None
        #: Of the request that is being served, told in events: its id and its idempotency key.
        self.request: tuple[str | None, str | None] = (None, None)

    def add(self, obj: Object) -> Object:
        self._objects[obj["object"]][obj["id"]] = obj
        return obj

    def remove(self, obj: Object) -> None:
        del self._objects[obj["object"]][obj["id"]]

    def find(self, kind: str, object_id: str | None) -> Object | None:
        return self._objects[kind].get(object_id or "")

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Object:
        """Return an object of a kind by its id.

        Raises:
            StripeError: resource_missing.
        """
        found = self.find(kind, object_id)
        if found is None:
            raise missing(kind.replace("payment_method", "PaymentMethod"), object_id, param=param)
        return found

    def all(self, kind: str) -> Iterable[Object]:
        """Newest first."""
        return reversed(list(self._objects[kind].values()))

    def hidden(self, object_id: str) -> Hidden:
        return self._hidden.setdefault(object_id, Hidden())
