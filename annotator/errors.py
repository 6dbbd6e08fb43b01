"""The three ways an annotation can end without a result."""

from annotator.bounds import sentence


class InputError(Exception):
    """The file cannot be annotated, and the person who made it can do something about it.

    `code` is stable and kebab-case; `message` is one sentence that says what was found and where; `advice` is one
    sentence that says what to do; `line` counts from 1 in the text as it was before compression, None where the
    fault is not in one line. Both sentences are printable and bounded, whatever they quote of the file.
    """

    def __init__(self, code: str, message: str, advice: str, line: int | None = None) -> None:
        super().__init__(sentence(message))
        self.code = code
        self.message = sentence(message)
        self.advice = sentence(advice)
        self.line = line

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str, int | None]]:
        # Without it, pickling (a task's result, a process pool) would call __init__ with the message alone.
        return type(self), (self.code, self.message, self.advice, self.line)


class EngineError(Exception):
    """Our side failed: a tool crashed, ran out of time or memory. A later try may succeed.

    `message` is for operators and holds nothing of the file's content.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["EngineError"], tuple[str, str]]:
        return type(self), (self.code, self.message)


class Cancelled(Exception):
    """The caller's `cancelled()` said so; nothing of the run is left but its log."""
