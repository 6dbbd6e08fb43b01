"""Record every repair and every skipped record of a file, for the log and the summary.

Long lists are written to disk as they grow, so they take no memory.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from annotator.bounds import LISTED_BYTES, LISTED_LINES, NAMED_REPAIRS, sentence

EXAMPLES = 20


class _Listing:
    """Lines of a list, written to their own file: at most LISTED_LINES for one code and LISTED_BYTES in all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] = path.open("w", encoding="utf-8")
        self._counts: Counter[str] = Counter()
        self._listed: Counter[str] = Counter()
        self._bytes = 0

    def add(self, code: str, text: str) -> None:
        """Write a line to the list, or only count it if the list is full."""
        self._counts[code] += 1
        if self._listed[code] >= LISTED_LINES or self._bytes >= LISTED_BYTES:
            return
        line = sentence(text)
        self._listed[code] += 1
        self._bytes += len(line.encode()) + 1
        self._file.write(line + "\n")

    def lines(self) -> Iterator[str]:
        self._file.flush()
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")
        for code, count in self._counts.items():
            if more := count - self._listed[code]:
                yield f"... and {more:,} more lines of the kind {code}, which are not listed"

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class _Repair:
    """One sentence about a repair, and how often it was made. line: the first line; None for the file as a whole."""

    def __init__(self, text: str, line: int | None) -> None:
        self.text = text
        self.line = line
        self.count = 0

    def __str__(self) -> str:
        if self.line is None:
            return f"{self.text}."
        if self.count == 1:
            return f"{self.text} (line {self.line})."
        return f"{self.text} ({self.count:,} times, first in line {self.line})."


class Journal:
    """Collects repairs and skipped records. One thread writes it; it is read after that thread has ended."""

    def __init__(self, folder: Path) -> None:
        self._repairs: dict[tuple[str, str], _Repair] = {}
        self._named: Counter[str] = Counter()  # number of repairs listed by name, by code
        self._unnamed: Counter[str] = Counter()  # number of further repairs, which are only counted, by code
        self._repaired = _Listing(folder / "repaired.list")
        self._skips = _Listing(folder / "skipped.list")
        self._run: tuple[int, int, str, str] | None = None  # first line, last line, code, reason
        self.skipped = 0
        self.skipped_by_code: Counter[str] = Counter()
        self.skipped_examples: list[dict[str, int | str]] = []

    def repair(self, code: str, text: str, line: int | None = None, detail: str = "", *, name: str = "") -> None:
        """Note a repair.

        Args:
            code: the kind of repair, such as "crlf"; summaries count by it.
            text: the sentence about it, the same for all repairs with this code and name.
            line: where it was made; None for the file as a whole.
            detail: what the log lists next to the line.
            name: the tag or contig that the text names, as the file spells it. The first NAMED_REPAIRS names of a
                code get a sentence each; repairs of further names are counted.
        """
        if detail:
            self._repaired.add(code, f"line {line}: {detail}" if line is not None else detail)
        found = self._repairs.get((code, name))
        if found is None:
            if name and self._named[code] >= NAMED_REPAIRS:
                self._unnamed[code] += 1
                return
            self._named[code] += 1
            found = self._repairs[code, name] = _Repair(sentence(text), line)
        found.count += 1

    def skip(self, line: int, code: str, reason: str) -> None:
        """Note that the record in a line was skipped. Adjacent lines with the same reason become one entry."""
        reason = sentence(reason)
        self.skipped += 1
        self.skipped_by_code[code] += 1
        if len(self.skipped_examples) < EXAMPLES:
            self.skipped_examples.append({"line": line, "reason": reason})
        run = self._run
        if run is not None and run[1] == line - 1 and run[3] == reason:
            self._run = run[0], line, code, reason
            return
        self._end_run()
        self._run = line, line, code, reason

    def _end_run(self) -> None:
        if self._run is None:
            return
        first, last, code, reason = self._run
        where = f"line {first}" if first == last else f"lines {first}-{last} ({last - first + 1:,} records)"
        self._skips.add(code, f"{where}: {reason}")
        self._run = None

    def repairs(self) -> list[str]:
        """Return one sentence per kind of repair, in the order in which they were first made."""
        listed = [str(repair) for repair in self._repairs.values()]
        more = [f"… and {count:,} more repairs of the kind {code}." for code, count in self._unnamed.items()]
        return listed + more

    def repaired_lines(self) -> Iterator[str]:
        return self._repaired.lines()

    def skipped_lines(self) -> Iterator[str]:
        self._end_run()
        return self._skips.lines()

    def close(self) -> None:
        self._repaired.close()
        self._skips.close()
