"""The cache: Redis, shared by all processes, or this process's memory while Redis does not answer.

All cached data can be lost: rate limits, prices, sessions seen. Without Redis each process counts by itself, so a limit
is multiplied by the number of processes, and no page fails.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

#: A request waits this long for Redis at most; after that no request asks Redis for RETRY_SECONDS.
TIMEOUT_SECONDS = 1.0
RETRY_SECONDS = 5.0
#: Django's default of 300 entries would discard rate limits. This many entries take tens of megabytes.
MEMORY_ENTRIES = 100_000


class RedisOrMemory(RedisCache):
    """Django's Redis backend. Every operation falls back to memory."""

    #: When Redis is tried again, on the monotonic clock, for each server. Shared by all threads.
    _asked_again_at: ClassVar[dict[str, float]] = {}

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        options = {
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "socket_timeout": TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            **params.get("OPTIONS", {}),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self._server = str(server)
        memory = {key: params[key] for key in params if key != "OPTIONS"}
        self._memory = LocMemCache("without-redis", {**memory, "OPTIONS": {"MAX_ENTRIES": MEMORY_ENTRIES}})

    def ping(self) -> None:
        """Check Redis itself. Raises RedisError."""
        self._cache.get_client(None).ping()

    def _ask(self, redis: Callable[..., Any], memory: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self._asked_again_at.get(self._server, 0):
            try:
                return redis(*args, **kwargs)
            except RedisError as error:
                self._asked_again_at[self._server] = time.monotonic() + RETRY_SECONDS
                level = logging.ERROR if isinstance(error, RedisConnectionError) else logging.WARNING
                log.log(level, "Redis does not answer, memory is used for %s s: %r", RETRY_SECONDS, error)
        return memory(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().add, self._memory.add, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().get, self._memory.get, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().set, self._memory.set, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().touch, self._memory.touch, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().delete, self._memory.delete, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().get_many, self._memory.get_many, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().set_many, self._memory.set_many, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().delete_many, self._memory.delete_many, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().has_key, self._memory.has_key, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().incr, self._memory.incr, *args, **kwargs)

    def clear(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().clear, self._memory.clear, *args, **kwargs)
