"""What the vault service and the Glacier storage classes share here: time that can be moved, and how retrievals go."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: From the slowest to the fastest.
TIERS = ("Bulk", "Standard", "Expedited")


class Clock:
    def __init__(self) -> None:
        self._ahead = 0.0

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def seconds(self) -> float:
        """Since 1970."""
        return time.time() + self._ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)


@dataclass
class Rules:
    """How long a retrieval takes, by tier; how long a vault's job is kept; and how many Expedited ones are refused.

    `copy_max_bytes` is the largest source of a copy in one piece. Of the next `damage` archives and copies in S3 a byte
    is changed where it is kept, as by a failing disk; the checksum that is told is of what is there. A vault's
    inventory is `inventory_age` seconds old.
    """

    seconds: dict[str, float] = field(default_factory=lambda: {"Expedited": 2, "Standard": 5, "Bulk": 10})
    keep_seconds: float = 24 * 3600
    refuse_expedited: int = 0
    refusal: str = "InsufficientCapacityException"
    fail_jobs: int = 0
    copy_max_bytes: int = 5 * 1024**3
    damage: int = 0
    inventory_age: float = 24 * 3600
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set some of the rules.

        Raises:
            ValueError: there is no such rule, or its value is of another kind.
        """
        known = self.shown()
        for name, value in wanted.items():
            if name not in known or isinstance(value, str) is not isinstance(known[name], str):
                raise ValueError(f"no such rule: {name}={value!r}")
            if name == "seconds":
                if set(value) - set(TIERS):
                    raise ValueError(f"no such tier: {value!r}")
                self.seconds = {**self.seconds, **{tier: float(one) for tier, one in value.items()}}
            else:
                setattr(self, name, type(known[name])(value))

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def take(self, name: str) -> bool:
        """Use up one of a rule that is a number of times; False when there is none left."""
        with self._lock:
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
            return left > 0
