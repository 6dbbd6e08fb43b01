"""Functions of other packages for the profile page and for "download my data".

Those packages import this one; this one imports none of them. Each registers its functions here when Django starts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gas.users.models import User


@dataclass(frozen=True)
class Usage:
    """One line of the profile page, such as ("Jobs", "12", "3 on their way")."""

    label: str
    value: str
    detail: str = ""


#: A file of the export: its path in the ZIP, and an iterator of its bytes, read when the ZIP reaches the file.
File = tuple[str, Iterable[bytes]]

usage_providers: list[Callable[[User], Iterable[Usage]]] = []
#: Functions that remove other packages' ways to sign in, such as tokens of programs.
way_closers: list[Callable[[User], None]] = []
export_providers: list[Callable[[User], Iterator[File]]] = []
