"""What a process keeps in memory because it takes long to find, within a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Kept:
    """What was found, by key. The bytes are bounded; what was used longest ago is forgotten first."""

    def __init__(self, limit: int) -> None:
        self.limit, self.total = limit, 0
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._finding: dict[Hashable, Future[Any]] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """Return what is kept under a key; else find it, and keep it. Threads that ask at once wait for one of them.

        Args:
            find: may ask for other keys, and raise.
            size: returns the bytes of what was found.
        """
        with self._guard:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key][0]
            other = self._finding.get(key)
            if other is None:
                mine = self._finding[key] = Future()
        if other is not None:
            return other.result()
        try:
            value = find()
        except BaseException as error:
            mine.set_exception(error)
            with self._guard:
                del self._finding[key]
            raise
        mine.set_result(value)
        with self._guard:
            del self._finding[key]
            self._found[key] = value, size(value)
            self.total += self._found[key][1]
            while self.total > self.limit:
                self.total -= self._found.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._found.clear()
            self.total = 0
