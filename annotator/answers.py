"""What csq writes, as its answers are asked for."""

import select
from io import BufferedReader

READ = 1024 * 1024


class Answers:
    """The records of a VCF that a process writes, as many at a time as are asked for."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._rest = b""
        self._in_header = True
        self._begun = False
        #: The header line that declares BCSQ.
        self.definition = ""

    def take(self, count: int) -> bytes | None:
        """The next lines; None if the process ends before it has written them."""
        parts = [self._rest]
        found = self._rest.count(b"\n")
        while found < count:
            part = self._read()
            if not part:
                return None
            parts.append(part)
            found += part.count(b"\n")
        text = b"".join(parts)
        end = len(text)
        for _ in range(found - count + 1):
            end = text.rindex(b"\n", 0, end)
        self._rest = text[end + 1 :]
        return text[: end + 1]

    def begun(self) -> bool:
        """Whether the process has begun to write; does not wait for it."""
        if not self._begun:
            waiting = select.poll()
            waiting.register(self._stream, select.POLLIN)
            self._begun = bool(waiting.poll(0))
        return self._begun

    def ended(self) -> bool:
        """Whether that was all; waits for the end."""
        return not self._rest and not self._read()

    def _read(self) -> bytes:
        """Some of what comes, behind the header; b"" at the end."""
        while self._in_header:
            line = self._stream.readline()
            if line.startswith(b"##INFO=<ID=BCSQ,"):
                self.definition = line.decode("ascii").rstrip("\n")
            if not line.startswith(b"#"):
                self._in_header = False
                return line
        return self._stream.read1(READ)
