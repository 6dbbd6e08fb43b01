"""Check records one by one: pass valid ones on, repair or skip the others, or refuse the file."""

import re
from collections.abc import Callable, Iterator, Mapping

from annotator.effects.allele import Kind, kind_of
from annotator.effects.structural_alleles import end_is_elsewhere
from annotator.errors import InputError
from annotator.formats import tabix
from annotator.preflight.build_detection.header_build import Installed
from annotator.preflight.build_detection.record_match import ReferenceMatch
from annotator.preflight.build_detection.unknown_contigs import Strangers
from annotator.preflight.fixed_columns import ColumnsCheck
from annotator.preflight.header import Header
from annotator.preflight.info import InfoCheck, Unusable
from annotator.preflight.journal import Journal
from annotator.preflight.record import Looks, Record
from annotator.preflight.samples import SamplesCheck
from annotator.preflight.text import ADVICE_EXPORT, late_header_line, separated_by_spaces, shown
from annotator.reference.pack import Reference

_BASES = re.compile(r"[ACGTN]++").fullmatch

#: Records at one position are kept in memory together. No real file has this many.
MOST_AT_POSITION, MOST_BYTES_AT_POSITION = 1000, 64 * 1024 * 1024


class RecordCheck:
    """Checks records one by one, in file order."""

    def __init__(
        self,
        header: Header,
        reference: Reference,
        journal: Journal,
        strict: bool = False,
        installed: Installed = tuple,
        cut: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare the checks for one file.

        Args:
            header: the file's header.
            reference: the reference to annotate against.
            journal: gets every repair and every skipped record.
            strict: whether to check every value of every sample.
            installed: returns the references that the file may be on instead.
            cut: returns at the end whether the last line lacks a line end: the file may have been cut short.
        """
        self._header = header
        self._reference = reference
        self._journal = journal
        self._old = header.version < (4, 0)
        self._strict = strict
        self._usable = 0
        self._first_skip: InputError | None = None
        self._lengths = reference.lengths
        self._circular = {contig.name for contig in reference.contigs if contig.circular}
        self._infos = InfoCheck(header, journal)
        self._samples = SamplesCheck(header, journal, strict)
        self._match = ReferenceMatch(reference, installed)
        lengths = {reference.canonical(name): length for name, length in header.contigs.items()}
        self._match.declared_lengths({name: length for name, length in lengths.items() if name and length})
        self._columns = ColumnsCheck(header, journal)
        self._contigs: dict[str, str] = {}  # the reference's name of each usable contig, by the file's name
        self._strangers = Strangers(reference, installed)
        self._position: tuple[str, int] = "", 0
        self._at_position, self._bytes_at_position = 0, 0
        self._cut = cut
        self._bare = 0  # records that end before FORMAT, although the header has samples
        self._cut_short: InputError | None = None  # set if the last record is the only one of these
        self.records = 0
        #: The file's name of each contig, by the reference's name, in order of first appearance.
        self.names: dict[str, str] = {}

    def check_all(self, lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
        """Yield the valid records; skipped ones are in the journal. Raises InputError if the file has to be refused."""
        self.begin()
        for number, line in lines:
            record = self.check(number, line)
            if record is not None:
                yield record
        self.end()

    def begin(self) -> None:
        """Check the build by the header, before the first record. Raises InputError if it is another build."""
        self._match.read_header(self._header.meta)

    def end(self) -> None:
        """Judge the file as a whole, after the last line. Raises InputError if it has to be refused."""
        if self._cut_short and self._cut():
            raise self._cut_short
        self._judge(self._usable, self._first_skip)

    def declared(self) -> list[str]:
        """Return header lines for the tags that were seen and that the file does not declare."""
        return [*self._columns.definitions, *self._infos.definitions(), *self._samples.definitions()]

    def check(self, number: int, raw: str) -> Record | None:
        """Return the record in a line; None if it is skipped or blank.

        Raises:
            InputError: the line makes the whole file unusable.
        """
        line = raw
        if raw.endswith("\r"):
            line = raw.rstrip("\r")
            self._journal.repair("crlf", "Windows line ends (CRLF) were replaced", number)
        if line.startswith("#"):
            raise late_header_line(number, self._header.line, after_records=bool(self.records))
        if not line or line.isspace():
            self._journal.repair("blank-lines", "Blank lines were left out", number)
            return None
        self.records += 1
        self._cut_short = None
        try:
            record = self._check(number, line)
        except Unusable as fault:
            self._journal.skip(number, fault.code, fault.reason)
            if self._first_skip is None:
                self._first_skip = InputError(fault.code, f"Line {number}: {fault.reason}.", fault.advice, number)
            return None
        self._usable += 1
        return record

    @property
    def renamed(self) -> Mapping[str, str]:
        """The INFO tags of other annotators, with the names under which they are kept."""
        return self._header.renamed

    @property
    def samples(self) -> int:
        """The number of samples in the file."""
        return self._header.samples

    @property
    def looks(self) -> Looks | None:
        """What a record must look like for `check` to return it unchanged; None if that cannot be known in advance."""
        if self._old or self._strict or not (self._header.samples or self._header.column_count == 8):
            return None
        return Looks(
            columns=self._header.column_count,
            filters=self._columns.filters,
            tests=self._infos.tests,
            formats=self._samples.kept,
            types=self._samples.types,
            widened=self._infos.widened + self._samples.widened,
        )

    def contig_of(self, name: str) -> str | None:
        """Return the reference's name of a contig of checked records; None if the output renames the contig."""
        contig = self._contigs.get(name)
        return contig if contig and self.names.get(contig) == name else None

    def passed(self, contig: str, count: int) -> None:
        """Count records of a contig that match `looks` and fit the reference."""
        if count:
            self._cut_short = None
        self.records += count
        self._usable += count
        self._match.fitted(contig, count)

    def crowd(self, contig: str, pos: int) -> tuple[int, int]:
        """Return the number and bytes of the latest consecutive records if they are at this position, else zeros."""
        return (self._at_position, self._bytes_at_position) if self._position == (contig, pos) else (0, 0)

    def at(self, contig: str, pos: int, records: int, size: int) -> None:
        """Set what `crowd` returns."""
        self._position = contig, pos
        self._at_position, self._bytes_at_position = records, size

    def _judge(self, usable: int, first_skip: InputError | None) -> None:
        """Refuse the file if most of its records were skipped."""
        self._strangers.judge(self.records, others=bool(self.names), told=self._match.decided, journal=self._journal)
        self._match.judge()
        if first_skip is not None and not usable:
            raise InputError(
                first_skip.code, f"No record can be used. {first_skip.message}", first_skip.advice, first_skip.line
            )
        if usable:
            self._match.conclude(self._journal)

    def _check(self, number: int, line: str) -> Record:
        columns = line.split("\t", 8)
        tail = columns[8] if len(columns) == 9 else ""
        found = 9 + tail.count("\t") if len(columns) == 9 else len(columns)
        bare = found == 8 < self._header.column_count
        if found != self._header.column_count and not bare:
            raise self._wrong_count(number, line, found)
        name, place, id_, ref, alt, qual, filter_, info = columns[:8]
        if not (place.isdecimal() and place.isascii()):
            raise InputError(
                "bad-position", f"Line {number}: POS is {shown(place)}, not a whole number.", ADVICE_EXPORT, number
            )
        contig = self._contigs.get(name) or self._contig(number, name)
        name = self._name(number, name, contig)
        if not _BASES(ref):
            ref = self._columns.ref(number, ref)
        pos = int(place) if len(place) < 16 else 10**15
        alts = [alt] if "," not in alt else alt.split(",")
        kinds = [kind_of(one) for one in alts]
        filled = self._match.filled(contig, pos, ref) if "N" in ref else None
        guessed = filled not in (None, ref)
        self._check_place(number, name, contig, pos, filled or ref, counted=not guessed)
        self._crowd(name, contig, pos, len(line))
        if guessed or Kind.INVALID in kinds or ref in alts:
            alts, kinds = self._columns.alleles(number, ref, alts, kinds, guessed=guessed)
            alt = ",".join(alts)
        if qual != ".":
            qual = self._columns.qual(number, qual)
        if filter_ not in self._columns.filters:
            filter_ = self._columns.filter(number, filter_)
        info = self._infos.check(number, info)
        if "END=" in info:
            elsewhere = end_is_elsewhere(contig, alts, info, self._reference.canonical)
            info = self._infos.end_within(number, info, tabix.LAST if elsewhere else self._lengths[contig])
        if tail:
            tail = self._samples.check(number, tail, len(alts)) if self._header.samples else ""
        if bare:
            tail = self._without_samples(number, line, found)
        left = f"{name}\t{pos}\t{id_ or '.'}\t{ref}\t{alt}\t{qual}\t{filter_}"
        return Record(number, contig, pos, ref, alts, kinds, left, info, tail)

    def _without_samples(self, number: int, line: str, found: int) -> str:
        """Return the columns after INFO for a record that ends there. HTSlib reads it as one without sample values."""
        self._bare += 1
        if self._bare == 1 < self.records:
            self._cut_short = self._wrong_count(number, line, found)
        if not self._header.samples:
            return ""
        text = 'Records that end after INFO got the columns FORMAT and samples, with "."'
        self._journal.repair("no-sample-columns", text, number)
        return "\t".join(["."] * (1 + self._header.samples))

    def _wrong_count(self, number: int, line: str, found: int) -> InputError:
        expected = self._header.column_count
        if found < 8 <= len(line.split()):
            return separated_by_spaces(number)
        if "\0" in line:
            return InputError(
                "not-a-vcf", f"Line {number} holds binary data.", "Upload a VCF file that opens as text.", number
            )
        return InputError(
            "too-few-columns" if found < expected else "too-many-columns",
            f"Line {number} has {found} tab-separated columns where the header has {expected}.",
            "Check that the file was copied whole and that no field holds a tab or a line end.",
            number,
        )

    def _contig(self, number: int, name: str) -> str:
        """Return the reference's name of a contig that is seen for the first time."""
        contig = self._reference.canonical(name)
        if contig is None:
            raise Unusable("unknown-contig", self._strangers.add(number, name))
        if reason := self._match.other_sequence(name):
            raise Unusable("contig-length", reason)
        self._contigs[name] = contig
        return contig

    def _name(self, number: int, name: str, contig: str) -> str:
        """Return the name to write for a contig: the one that the file uses first."""
        chosen = self.names.setdefault(contig, name)
        if chosen != name:
            text = f"Contig {shown(name)} is the same as {shown(chosen)} and was renamed to it"
            self._journal.repair("contig-name", text, number, name=name)
        return chosen

    def _check_place(self, number: int, name: str, contig: str, pos: int, ref: str, *, counted: bool) -> None:
        if pos < 1:
            raise Unusable("position-zero", "POS 0 is in front of the first base, where there is nothing to annotate")
        length = self._lengths[contig]
        if pos > length:
            raise Unusable("position-past-end", self._match.past_end(number, name, pos, contig, ref))
        if pos + len(ref) - 1 > length:
            if contig in self._circular and self._over_origin(contig, pos, ref, length):
                raise Unusable(
                    "over-origin",
                    f"REF at {name}:{pos} runs over the origin of the circular contig, which VCF cannot express",
                )
            raise Unusable("position-past-end", self._match.past_end(number, name, pos, contig, ref))
        if not counted:
            return
        reason = self._match.compare(number, name, contig, pos, ref)
        if reason:
            raise Unusable("reference-mismatch", reason)

    def _crowd(self, name: str, contig: str, pos: int, size: int) -> None:
        """Raise Unusable beyond the limits on records at one position. They bound memory; no real file reaches them."""
        if self._position != (contig, pos):
            self.at(contig, pos, 1, size)
            return
        self._at_position += 1
        self._bytes_at_position += size
        if self._at_position > MOST_AT_POSITION or self._bytes_at_position > MOST_BYTES_AT_POSITION:
            raise Unusable("too-many-at-position", f"there are too many records at {name}:{pos} in front of it")

    def _over_origin(self, contig: str, pos: int, ref: str, length: int) -> bool:
        inside = length - pos + 1
        fetch = self._reference.sequence.fetch
        return fetch(contig, pos, length) == ref[:inside] and fetch(contig, 1, len(ref) - inside) == ref[inside:]
