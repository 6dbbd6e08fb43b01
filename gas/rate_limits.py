"""Limits on how often one person or one address may do something. The counters are in the cache.

Sign-in, sign-up and mails have the limits of django-allauth (ACCOUNT_RATE_LIMITS); its helper is internal to allauth,
and counts requests that allauth serves, so that other limits are here.
"""

from dataclasses import dataclass

from django.core.cache import cache


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
