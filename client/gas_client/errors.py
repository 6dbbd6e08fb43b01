"""What ends a command: an exit code and a sentence."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command."""

    DONE = 0
    FAILED = 1  # a job failed, or the service refused
    USAGE = 2
    NOT_ALLOWED = 3
    UNREACHABLE = 4


class Failed(Exception):
    """Ends the command.

    Attributes:
        code: the exit code.
        sentence: for people.
        kind: a stable name for programs; that of the API's problem if there is one.
    """

    def __init__(self, code: Exit, sentence: str, kind: str = "") -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.kind = code, sentence, kind or code.name.lower().replace("_", "-")
