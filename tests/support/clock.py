"""A time limit for calls of Playwright's clock, which has none: a page that does not answer would hold up its test."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page


@contextmanager
def clock_limit(page: Page, seconds: float = 30) -> Iterator[None]:
    """End the calls of `page.clock` in the block that take longer than `seconds`.

    Raises:
        TimeoutError: one did.
    """
    loop: asyncio.AbstractEventLoop = page._loop

    def end() -> None:
        for task in asyncio.all_tasks(loop):
            if getattr(task.get_coro(), "__qualname__", "").startswith("ChannelOwner."):  # a call that has no answer
                task.cancel()

    timer = loop.call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError as error:
        raise TimeoutError(f"The clock of {page.url} did not answer within {seconds} s.") from error
    finally:
        timer.cancel()
