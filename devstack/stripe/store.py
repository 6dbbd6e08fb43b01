"""Every object of this Stripe, in memory, in the shape in which the API shows it."""

import secrets
import string
import threading
import time
from typing import Any

from devstack.stripe.errors import missing

Object = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits
#: How the ids of each kind of object begin.
PREFIXES = {
    "account": "acct_",
    "price": "price_",
    "customer": "cus_",
    "payment_method": "pm_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "invoice": "in_",
    "checkout.session": "cs_test_",
    "billing_portal.session": "bps_",
    "event": "evt_",
    "webhook_endpoint": "we_",
}


def new_id(kind: str) -> str:
    return PREFIXES[kind] + "".join(secrets.choice(_LETTERS) for _ in range(24))


def now() -> int:
    """Return the time as everywhere in the API: Unix time in whole seconds."""
    return int(time.time())


class Store:
    """Objects by kind and id. Hold `lock` for the whole of a request or a change; a thread may take it twice."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in PREFIXES}

    def add(self, obj: Object) -> Object:
        """Add an object, or replace the one with its id."""
        self._objects[obj["object"]][obj["id"]] = obj
        return obj

    def remove(self, obj: Object) -> None:
        del self._objects[obj["object"]][obj["id"]]

    def find(self, kind: str, object_id: str | None) -> Object | None:
        return self._objects[kind].get(object_id or "")

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Object:
        """Return the object of a kind with this id.

        Raises:
            StripeError: there is none (resource_missing).
        """
        found = self.find(kind, object_id)
        if found is None:
            raise missing(kind, object_id, param=param)
        return found

    def all(self, kind: str) -> list[Object]:
        """Return the objects of a kind, newest first."""
        return list(self._objects[kind].values())[::-1]
