"""Waiting on a condition, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, seconds: float = 30, what: str = "") -> T:
    """Ask again and again until the answer is true, and return it.

    Raises:
        AssertionError: it never was.
    """
    end = time.monotonic() + seconds
    pause = 0.002  # what comes at once is not waited for longer; what takes long is not asked about all the time
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what or condition}"
        time.sleep(pause)
        pause = min(0.05, 1.5 * pause)
