"""What happened, when, and how long it took; and the one error that ends a demonstration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.table import Table


class Broken(Exception):
    """The service did not do what it promises; the message says what, in a sentence."""


class Timeline:
    """Steps, when each ended, and how long it took; in seconds."""

    def __init__(self, title: str = "One job through everything") -> None:
        self.title = title
        self.began = time.monotonic()
        self.rows: list[tuple[str, float, float, str]] = []

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Yields a list for remarks."""
        remarks: list[str] = []
        began = time.monotonic()
        try:
            yield remarks
        except Broken:
            raise
        except Exception as error:
            raise Broken(f"{what}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
        self.add(what, began, ", ".join(remarks))

    def add(self, what: str, began: float, remark: str = "", ended: float | None = None) -> None:
        end = time.monotonic() if ended is None else ended
        self.rows.append((what, end - self.began, end - began, remark))

    def table(self) -> Table:
        table = Table(title=self.title)
        table.add_column("Step")
        table.add_column("at, s", justify="right")
        table.add_column("took, s", justify="right")
        table.add_column("Seen")
        for what, at, took, remark in self.rows:
            table.add_row(what, f"{at:.2f}", f"{took:.2f}", remark)
        return table


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Broken(f"Broken promise: {otherwise}.")
