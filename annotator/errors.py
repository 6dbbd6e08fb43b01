"""The three ways an annotation can end without a result."""

from annotator.bounds import sentence


class InputError(Exception):
    """The file cannot be annotated, and its owner can do something about it.

    Both sentences are printable and have a maximum length, whatever they quote from the file.

    Attributes:
        code: stable, in kebab-case.
        message: one sentence that says what was found and where.
        advice: one sentence that says what to do.
        line: the line in the uncompressed text, from 1; None if the fault is not in one line.
    """

    def __init__(self, code: str, message: str, advice: str, line: int | None = None) -> None:
        super().__init__(sentence(message))
        self.code = code
        self.message = sentence(message)
        self.advice = sentence(advice)
        self.line = line

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str, int | None]]:
        # Without this, unpickling (of a task's result, in a process pool) would call __init__ with the message alone.
        return type(self), (self.code, self.message, self.advice, self.line)


class EngineError(Exception):
    """An internal error: a tool crashed, or ran out of time or memory. A retry may succeed.

    `message` is for operators and contains nothing from the file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["EngineError"], tuple[str, str]]:
        return type(self), (self.code, self.message)


class Cancelled(Exception):
    """The caller's `cancelled()` returned true. The run leaves only its log."""
