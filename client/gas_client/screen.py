"""What the command prints: results to standard output, progress and errors to standard error."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from gas_client.errors import Failed


def on_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def say(text: str) -> None:
    """Print a line of progress."""
    sys.stderr.write(f"{_visible(text)}\n")
    sys.stderr.flush()


def line(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{_visible(text)}\n")


def dump(value: Any) -> None:
    """Print a result as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def error(failed: Failed, *, as_json: bool) -> None:
    """Print why a command ends."""
    if as_json:
        say(json.dumps({"error": {"code": failed.kind, "detail": failed.sentence}}, ensure_ascii=False))
    else:
        say(f"gas: {failed.sentence}")


def table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    """Print rows: a table on a terminal, and values with tabs between them in a pipe."""
    if not sys.stdout.isatty():
        for row in [headings, *rows]:
            line("\t".join(_cell(value) for value in row))
        return
    shown = Table(*headings, box=None, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console().print(shown)


@contextmanager
def progress(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, for as long as the block lasts. The block tells how many bytes are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task(_visible(name), total=total)
        yield lambda done: bars.update(task, completed=done)


def _cell(value: str) -> str:
    return _visible(value).replace("\t", " ").replace("\n", " ")


def _visible(text: str) -> str:
    """Return text that cannot command a terminal: a name of a file may hold escape sequences."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)
