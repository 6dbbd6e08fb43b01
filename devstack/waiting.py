"""Wait for a condition, with a time limit."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float, what: str, every: float = 0.1) -> T:
    """Return the first true answer of the condition.

    Raises:
        TimeoutError: there was none; the message names `what`.
    """
    until = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)
    return answer
