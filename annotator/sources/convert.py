"""Convert VCF files into the table of a source: in one streaming pass, with constant memory.

Contig names and alleles are normalized (one ALT each, `normalize.normal`) by the code that looks alleles up. Alleles
that cannot be normalized are dropped and counted by reason. bcftools reads BCF.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path

from annotator.effects.normalize import Window, normal
from annotator.errors import InputError
from annotator.formats.bcftools import Tool
from annotator.preflight.reader import Reader
from annotator.preflight.sniff import sniff
from annotator.reference.pack import Reference
from annotator.sources.errors import SourceError
from annotator.sources.fields import Field, Getter, Wanted, getter, merged, resolve
from annotator.sources.ordering import Ordering, Row
from annotator.sources.table import BLOCKS, LONGEST_ROW, TABLE, Section, Table, TableWriter

LINE_BYTES = 256 * 1024 * 1024  # sources may carry thousands of samples
TOOL_MEMORY_BYTES = 1024**3
TOOL_SECONDS = 7 * 24 * 3600
#: If a larger share of REF alleles differs from the reference, the source is on another build.
MISMATCH_SHARE = 0.05
ENOUGH = 1000
PROGRESS_RECORDS = 100_000
PASSED_RECORDS = 256  # number of records after which rows that are in order are written
_FACTS = ("fileDate", "source", "reference", "dbSNP_BUILD_ID")

_bases = re.compile(r"[ACGT]+").fullmatch


@dataclass
class Converted:
    """The result. read: number of records; rows: alleles; repeated: duplicate alleles; dropped: number by reason."""

    fields: list[Field] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)
    facts: list[dict[str, str]] = field(default_factory=list)  # of each file's header
    read: int = 0
    rows: int = 0
    repeated: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def convert(
    files: Sequence[Path],
    folder: Path,
    work_dir: Path,
    *,
    reference: Reference,
    wanted: Sequence[Wanted],
    progress: Callable[[int], None] | None = None,
) -> Converted:
    """Write table.tsv.gz and table.blocks into folder. Both folders must exist. progress gets the number of records.

    Raises SourceError if the files cannot be used, OSError if writing fails.
    """
    return _Conversion(folder, work_dir, reference, wanted, progress).run(files)


class _Conversion:
    def __init__(
        self,
        folder: Path,
        work_dir: Path,
        reference: Reference,
        wanted: Sequence[Wanted],
        progress: Callable[[int], None] | None,
    ) -> None:
        self._folder = folder
        self._work_dir = work_dir
        self._reference = reference
        self._wanted = wanted
        self._progress = progress
        self._fetch = Window(reference.sequence.fetch).fetch
        self._names = _names(reference)
        self._ordering = Ordering(work_dir)
        self._ranks: dict[str, int] = {}  # rank of each contig, in the order of first appearance
        self._unknown: Counter[str] = Counter()
        self._compared = self._mismatched = 0
        self._number = 0
        self.done = Converted()

    def run(self, files: Sequence[Path]) -> Converted:
        done = self.done
        with TableWriter(self._folder) as writer:
            rows = _Rows(writer, self._ranks, done)
            for path in files:
                for row in self._read(path):
                    rows.add(row)
            for row in self._ordering.rest():
                rows.add(row)
            rows.finish()
        done.rows, done.sections = writer.rows, writer.sections
        if self._ordering.late:
            self._merge_stragglers()
        self._judge(1)
        if not done.rows:
            raise self._empty()
        return done

    def _merge_stragglers(self) -> None:
        again = self._work_dir / "merged"
        again.mkdir()
        with Table(self._folder, self.done.sections) as table, TableWriter(again) as writer:
            rows = _Rows(writer, self._ranks, self.done)
            for row in merge(_again(table, self._ranks), self._ordering.stragglers()):
                rows.add(row)
            rows.finish()
        for name in (TABLE, BLOCKS):
            (again / name).replace(self._folder / name)
        self.done.rows, self.done.sections = writer.rows, writer.sections

    def _read(self, path: Path) -> Iterator[Row]:
        """Yield the rows of one file as soon as their order is final."""
        try:
            lines = self._lines(path)
            header = list(_header(lines, path))
            fields = resolve(self._wanted, header)
            if self.done.fields and fields != self.done.fields:
                raise SourceError("unreadable", f"{path.name} declares its fields otherwise than the file before it.")
            self.done.fields = fields
            self.done.facts.append(_facts(header))
            getters = [getter(one) for one in fields]
            for _, line in lines:
                if not line:
                    continue
                self._record(line, getters, path)
                if self.done.read % PASSED_RECORDS == 0:
                    yield from self._ordering.due()
        except InputError as error:
            raise SourceError("unreadable", f"{path.name} cannot be read. {error.message} {error.advice}") from error

    def _lines(self, path: Path) -> Iterator[tuple[int, str]]:
        def note(text: str) -> None:
            # A note that is harmless for a person's file may mean that half of a source is missing.
            raise SourceError("unreadable", f"{path.name} cannot be read. {text}")

        reader = Reader(
            path,
            sniff(path),
            expanded_bytes=2**63,
            line_bytes=LINE_BYTES,
            note=note,
            check=lambda: None,
            start_tool=lambda command, arguments, stdout: Tool(
                command,
                arguments,
                work_dir=self._work_dir,
                memory_bytes=TOOL_MEMORY_BYTES,
                cpu_seconds=TOOL_SECONDS,
                stdout=stdout,
            ),
        )
        return reader.lines()

    def _record(self, line: str, getters: Sequence[Getter], path: Path) -> None:
        """Pass the alleles of one record to the ordering."""
        done = self.done
        done.read += 1
        if self._progress and done.read % PROGRESS_RECORDS == 0:
            self._progress(done.read)
        columns = line.rstrip("\r").split("\t", 8)
        if len(columns) < 8 or not (columns[1].isascii() and columns[1].isdecimal()):
            raise SourceError("unreadable", f"{path.name}: record {done.read:,} is not one of a VCF: {line[:60]!r}.")
        name, place, id_, ref, alts, _, _, info = columns[:8]
        info = ";" + info
        contig = self._names.get(name)
        if contig is None:
            done.dropped["unknown-contig"] += 1
            self._unknown[name] += 1
            return
        ref, pos = ref.upper(), int(place)
        if not self._agrees(contig, pos, ref):
            return
        rank = self._ranks.setdefault(contig, len(self._ranks))
        for number, raw in enumerate(alts.split(",")):
            alt = raw.upper()
            if not _bases(alt) or alt == ref:
                done.dropped["no-sequence"] += 1
                continue
            values = [get(id_, info, number) for get in getters]
            if not any(values):
                done.dropped["no-value"] += 1
                continue
            text = "\t".join(value or "." for value in values)
            start, short_ref, short_alt = normal(contig, pos, ref, alt, self._fetch)
            if len(contig) + len(short_ref) + len(short_alt) + len(text) + 20 > LONGEST_ROW:
                done.dropped["too-long"] += 1
                continue
            self._number += 1
            self._ordering.add((rank, start, short_ref, short_alt, self._number, text))
        self._ordering.place = rank, pos

    def _agrees(self, contig: str, pos: int, ref: str) -> bool:
        found = self._fetch(contig, pos, pos + len(ref) - 1)
        if not _bases(ref) or (found and len(found) == len(ref) and not _bases(found)):
            self.done.dropped["ambiguous-reference"] += 1
            return False
        self._compared += 1
        if found == ref and pos > 0:
            return True
        self.done.dropped["reference-mismatch"] += 1
        self._mismatched += 1
        if self._compared >= ENOUGH:
            self._judge(ENOUGH)
        return False

    def _judge(self, enough: int) -> None:
        if self._compared >= enough and self._mismatched > MISMATCH_SHARE * self._compared:
            raise SourceError(
                "other-build",
                f"The source is not on {self._reference.id}: the REF of {self._mismatched:,} of the first "
                f"{self._compared:,} records is not what {self._reference.id} has there. Take the source's file for "
                f"{self._reference.id}, or name the reference that it is on.",
            )

    def _empty(self) -> SourceError:
        if self._unknown and sum(self._unknown.values()) == self.done.read:
            names = ", ".join(sorted(self._unknown)[:5])
            return SourceError(
                "other-build", f"None of the source's contigs ({names} …) is part of {self._reference.id}."
            )
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.done.dropped.most_common())
        return SourceError("empty", f"The source has no allele that can be used ({reasons or 'it has no records'}).")


class _Rows:
    """Writes ordered rows; merges rows of the same allele."""

    def __init__(self, writer: TableWriter, ranks: dict[str, int], done: Converted) -> None:
        self._writer = writer
        self._ranks = ranks
        self._done = done
        self._contigs: list[str] = []
        self._last: Row | None = None

    def add(self, row: Row) -> None:
        last = self._last
        if last is None or last[:4] != row[:4]:
            self.finish()
            self._last = row
            return
        self._done.repeated += 1
        pairs = zip(self._done.fields, last[5].split("\t"), row[5].split("\t"), strict=True)
        values = [merged(one, "" if a == "." else a, "" if b == "." else b) or "." for one, a, b in pairs]
        text = "\t".join(values)
        if len(text) + len(row[2]) + len(row[3]) + 200 < LONGEST_ROW:
            self._last = (*last[:5], text)

    def finish(self) -> None:
        """Write the last row."""
        if self._last is None:
            return
        rank, pos, ref, alt, _, text = self._last
        if rank >= len(self._contigs):
            self._contigs = list(self._ranks)
        contig = self._contigs[rank]
        self._writer.write(contig, pos, f"{contig}\t{pos}\t{ref}\t{alt}\t{text}\n".encode("latin-1"))
        self._last = None


def _again(table: Table, ranks: dict[str, int]) -> Iterator[Row]:
    for contig, pos, line in table.rows():
        _, _, ref, alt, text = line[:-1].decode("latin-1").split("\t", 4)
        yield ranks[contig], pos, ref, alt, 0, text


def _names(reference: Reference) -> dict[str, str]:
    """Return every name that a source may use for a contig: the names that input files may use, and its accession."""
    names = {contig.accession: contig.name for contig in reference.contigs if contig.accession}
    for contig in reference.contigs:
        names |= {name: contig.name for name in (contig.name, *contig.aliases) if reference.canonical(name)}
    return names


def _header(lines: Iterable[tuple[int, str]], path: Path) -> Iterator[str]:
    for number, line in lines:
        if line.startswith("##"):
            yield line.rstrip("\r")
        elif line.startswith("#CHROM\t"):
            return
        else:
            raise SourceError("unreadable", f"{path.name} is not a VCF: line {number} is not of its header.")
    raise SourceError("unreadable", f"{path.name} is not a VCF: there is no line that starts with #CHROM.")


def _facts(header: Iterable[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in header:
        name, equals, value = line[2:].partition("=")
        if equals and name in _FACTS:
            facts.setdefault(name, value.encode("latin-1").decode("utf-8", "replace").strip())
    return facts
