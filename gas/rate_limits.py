"""Limits on how often one person or one address may do something. The counters are in the cache.

Sign-in, sign-up and mails have the limits of django-allauth (ACCOUNT_RATE_LIMITS); its helper is internal to allauth,
and counts requests that allauth serves, so that other limits are here.
"""

import math
import time
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True)
class Usage:
    """Uses within the present period.

    Attributes:
        limit: how many are allowed.
        used: how many there were, this one included.
        resets_in: whole seconds until the next period begins.
    """

    limit: int
    used: int
    resets_in: int

    @property
    def allowed(self) -> bool:
        return self.used <= self.limit

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class RateLimit:
    """A limit on uses within a period that begins with the first use.

    Attributes:
        name: the prefix of the counters' keys in the cache; unique.
        seconds: the length of the period.
    """

    name: str
    seconds: float

    def take(self, who: object, limit: int) -> bool:
        """Count one use by `who`. Return whether it is within `limit`."""
        return self._count(who) <= limit

    def use(self, who: object, limit: int) -> Usage:
        """Count one use by `who` in a period that begins at a multiple of `seconds`, and return how many are left."""
        number, passed = divmod(time.time(), self.seconds)
        return Usage(limit, self._count(f"{who}:{number:.0f}"), math.ceil(self.seconds - passed))

    def is_used_up(self, who: object, limit: int) -> bool:
        """Return whether `who` has `limit` uses already, without counting one."""
        used: int = cache.get(self._key(who), 0)
        return used >= limit

    def _key(self, who: object) -> str:
        return f"{self.name}:{who}"

    def _count(self, who: object) -> int:
        key = self._key(who)
        cache.add(key, 0, self.seconds)
        try:
            return cache.incr(key)
        except ValueError:  # the period ended, or Redis stopped, just now
            cache.set(key, 1, self.seconds)
            return 1
