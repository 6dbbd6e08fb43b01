"""The check of one record after the other: what is sound goes on, what is not is repaired, skipped, or ends the run."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotator.effects.allele import Kind, in_upper_case, kind_of
from annotator.effects.structural_alleles import end_is_elsewhere
from annotator.errors import InputError
from annotator.formats import tabix
from annotator.preflight.build_detection.header_build import Installed
from annotator.preflight.build_detection.record_match import ReferenceMatch
from annotator.preflight.build_detection.unknown_contigs import Strangers
from annotator.preflight.header import Header
from annotator.preflight.info import LONGEST_NAME, InfoCheck, Unusable
from annotator.preflight.journal import Journal
from annotator.preflight.record import Record
from annotator.preflight.samples import SamplesCheck
from annotator.preflight.text import ADVICE_EXPORT, separated_by_spaces, shown
from annotator.reference.pack import Reference

_BASES = re.compile(r"[ACGTN]++").fullmatch
_AMBIGUOUS = re.compile(r"[ACGTNRYSWKMBDHV]++").fullmatch
_OLD_INDEL = re.compile(r"D\d++|D[ACGTN]++|I[ACGTN]++").fullmatch
_NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?|(?i:nan|[+-]?inf(?:inity)?)", re.ASCII).fullmatch
LONGEST_NUMBER = 1000  # characters of QUAL
_UNFIT_IN_FILTER = re.compile(r'[\s,<>="]').search
_SLASHED = re.compile(r"[ACGTN]++(?:/[ACGTN]++)+", re.IGNORECASE).fullmatch


#: Records of one position are kept together in several places. No real file has as many.
MOST_AT_POSITION = 1000
MOST_BYTES_AT_POSITION = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Looks:
    """What the columns of a valid record may be, in addition to what their form says.

    columns: how many there are. filters: FILTER's values. tests: of INFO's tags, None where any text will do; tags that
    are not in it are not to be passed. formats: FORMAT's texts; types: of its tags. The four
    grow while a file is read. widened: how often the type of a tag has become a wider one.
    """

    columns: int
    filters: Collection[str]
    tests: Mapping[str, object]
    formats: Sequence[str]
    types: Mapping[str, str]
    widened: int


class RecordCheck:
    """Checks records one by one, in the file's order; strict checks every value of every sample too.

    installed: the references that the file may be on instead. cut: asked at the end whether the last line has no line
    end, so that the file may have been cut short in it.
    """

    def __init__(
        self,
        header: Header,
        reference: Reference,
        journal: Journal,
        strict: bool = False,
        installed: Installed = tuple,
        cut: Callable[[], bool] = lambda: False,
    ) -> None:
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
        declared = {reference.canonical(name): length for name, length in header.contigs.items()}
        self._match.declared_lengths({name: length for name, length in declared.items() if name and length})
        self._filters = set(header.filters)
        self._contigs: dict[str, str] = {}  # the reference's names of the contigs that can be used, by the file's
        self._strangers = Strangers(reference, installed)
        self._position: tuple[str, int] = "", 0
        self._at_position = 0
        self._bytes_at_position = 0
        self._cut = cut
        self._bare = 0  # records without FORMAT and samples, which the header has
        self._cut_short: InputError | None = None  # if the last record is the only one of these
        self.records = 0
        #: How the file calls each contig of the reference that it has, in the order of appearance.
        self.names: dict[str, str] = {}
        self._filter_definitions: list[str] = []

    def check_all(self, lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
        """Yield the sound records; skipped ones are in the journal. Raises InputError if the file has to be refused."""
        self.begin()
        for number, line in lines:
            record = self.check(number, line)
            if record is not None:
                yield record
        self.end()

    def begin(self) -> None:
        """Look at what the header says of the build; before the first line. Raises InputError if it is another one."""
        self._match.read_header(self._header.meta)

    def end(self) -> None:
        """Judge the file as a whole; after the last line. Raises InputError if it has to be refused."""
        if self._cut_short and self._cut():
            raise self._cut_short
        self._judge(self._usable, self._first_skip)

    def declared(self) -> list[str]:
        """Header lines for the tags that were seen and that the file does not declare."""
        return [*self._filter_definitions, *self._infos.definitions(), *self._samples.definitions()]

    def check(self, number: int, raw: str) -> Record | None:
        """Return the record of a line, None for a skipped or blank one.

        Raises:
            InputError: the line makes the whole file unusable.
        """
        line = raw
        if raw.endswith("\r"):
            line = raw.rstrip("\r")
            self._journal.repair("crlf", "Windows line ends (CRLF) were replaced", number)
        if line.startswith("#"):
            raise self._header_line(number)
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
        """The INFO tags of other annotators, and the names under which they are kept."""
        return self._header.renamed

    @property
    def samples(self) -> int:
        """How many samples the file has."""
        return self._header.samples

    @property
    def looks(self) -> "Looks | None":
        """What a record looks like that `check` would return as it stands; None if there is no telling in advance."""
        if self._old or self._strict or not (self._header.samples or self._header.column_count == 8):
            return None
        return Looks(
            columns=self._header.column_count,
            filters=self._filters,
            tests=self._infos.tests,
            formats=self._samples.kept,
            types=self._samples.types,
            widened=self._infos.widened + self._samples.widened,
        )

    def contig_of(self, name: str) -> str | None:
        """The reference's name of a contig that records are on which have been checked, and are written as they are."""
        contig = self._contigs.get(name)
        return contig if contig and self.names.get(contig) == name else None

    def passed(self, contig: str, count: int) -> None:
        """Count records on a contig that were found to look as `looks` says, and to fit the reference."""
        if count:
            self._cut_short = None
        self.records += count
        self._usable += count
        self._match.fitted(contig, count)

    def crowd(self, contig: str, pos: int) -> tuple[int, int]:
        """How many records were last seen at a position without another between them, and their size."""
        return (self._at_position, self._bytes_at_position) if self._position == (contig, pos) else (0, 0)

    def at(self, contig: str, pos: int, records: int, size: int) -> None:
        """Set what `crowd` tells."""
        self._position = contig, pos
        self._at_position, self._bytes_at_position = records, size

    def _header_line(self, number: int) -> InputError:
        if self.records:
            return InputError(
                "header-after-records",
                f"Line {number} is a header line, after records that begin in line {self._header.line + 1}.",
                "If files were joined, join them with bcftools concat; else move all header lines to the top.",
                number,
            )
        return InputError(
            "header-after-columns",
            f"Line {number} is a header line after the line of column names.",
            "Move all header lines above the #CHROM line.",
            number,
        )

    def _judge(self, usable: int, first_skip: InputError | None) -> None:
        """Refuse the file if what was skipped is not the exception but the rule."""
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
            ref = self._ref(number, ref)
        pos = int(place) if len(place) < 16 else 10**15
        alts = [alt] if "," not in alt else alt.split(",")
        kinds = [kind_of(one) for one in alts]
        filled = self._match.filled(contig, pos, ref) if "N" in ref else None
        guessed = filled not in (None, ref)
        self._check_place(number, name, contig, pos, filled or ref, counted=not guessed)
        self._crowd(name, contig, pos, len(line))
        if guessed or Kind.INVALID in kinds or ref in alts:
            alts, kinds = self._alleles(number, ref, alts, kinds, guessed=guessed)
            alt = ",".join(alts)
        if qual != ".":
            qual = self._qual(number, qual)
        if filter_ not in self._filters:
            filter_ = self._filter(number, filter_)
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
        """Return the columns after INFO for a record that ends there, as HTSlib writes a record without sample data."""
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
        code = "too-few-columns" if found < expected else "too-many-columns"
        return InputError(
            code,
            f"Line {number} has {found} tab-separated columns where the header has {expected}.",
            "Check that the file was copied whole and that no field holds a tab or a line end.",
            number,
        )

    def _contig(self, number: int, name: str) -> str:
        """Return the reference's own name of a contig that is seen for the first time."""
        contig = self._reference.canonical(name)
        if contig is None:
            raise Unusable("unknown-contig", self._strangers.add(number, name))
        if reason := self._match.other_sequence(name):
            raise Unusable("contig-length", reason)
        self._contigs[name] = contig
        return contig

    def _name(self, number: int, name: str, contig: str) -> str:
        """Return the name under which the contig is written: the one that the file uses first."""
        chosen = self.names.setdefault(contig, name)
        if chosen != name:
            text = f"Contig {shown(name)} is the same as {shown(chosen)} and was renamed to it"
            self._journal.repair("contig-name", text, number, name=name)
        return chosen

    def _ref(self, number: int, ref: str) -> str:
        upper = ref.upper()
        if _BASES(upper):
            self._journal.repair("lower-case", "Lower-case bases in REF and ALT were written in upper case", number)
            return upper
        if _AMBIGUOUS(upper):
            raise Unusable("ambiguous-bases", f"REF {shown(ref)} has an ambiguity code")
        raise Unusable("bad-ref", f"REF {shown(ref)} is not a sequence of bases")

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
        """Refuse more records of one position than memory is meant to hold; no real file comes near it."""
        if self._position != (contig, pos):
            self._position = contig, pos
            self._at_position, self._bytes_at_position = 1, size
            return
        self._at_position += 1
        self._bytes_at_position += size
        if self._at_position > MOST_AT_POSITION or self._bytes_at_position > MOST_BYTES_AT_POSITION:
            raise Unusable("too-many-at-position", f"there are too many records at {name}:{pos} in front of it")

    def _over_origin(self, contig: str, pos: int, ref: str, length: int) -> bool:
        inside = length - pos + 1
        fetch = self._reference.sequence.fetch
        return fetch(contig, pos, length) == ref[:inside] and fetch(contig, 1, len(ref) - inside) == ref[inside:]

    def _alleles(
        self, number: int, ref: str, alts: list[str], kinds: list[Kind], *, guessed: bool
    ) -> tuple[list[str], list[Kind]]:
        """Return ALT alleles that are not as usual, and what each of them is; guessed: REF has N for other bases."""
        if Kind.INVALID in kinds:
            alts, kinds = self._alts(number, ref, alts)
        if ref in alts:
            self._journal.repair("same-allele", "ALT repeats REF, which is no variant: it was not annotated", number)
        if guessed and Kind.SEQUENCE in kinds:
            # Callers of structural variants write N without looking at the reference. Some write the base before the
            # inserted bases into ALT as well, and some do not, so nobody can tell which bases are new.
            kinds = [Kind.UNKNOWN_BASES if kind is Kind.SEQUENCE else kind for kind in kinds]
            text = "REF has N, which fits any base; no effect was predicted for alleles in bases"
            self._journal.repair("unknown-ref", text, number)
        return alts, kinds

    def _alts(self, number: int, ref: str, alts: list[str]) -> tuple[list[str], list[Kind]]:
        if len(alts) == 1 and _SLASHED(alts[0]):
            split = alts[0].upper().split("/")
            # Some programs write all alleles so, REF among them: then it is not certain what GT counts.
            if ref not in split and len(set(split)) == len(split):
                self._journal.repair("slashed-alts", "ALT alleles that / separates were separated by commas", number)
                alts = alts[0].split("/")
        fixed = [in_upper_case(one) if kind_of(one) is Kind.INVALID else one for one in alts]
        kinds = [kind_of(one) for one in fixed]
        for one, kind in zip(fixed, kinds, strict=True):
            if kind is not Kind.INVALID:
                continue
            if self._old and _OLD_INDEL(one):
                raise Unusable("old-indel", f"ALT {shown(one)} is an indel as VCF 3.3 writes it, without its bases")
            if one and _AMBIGUOUS(one):
                raise Unusable("ambiguous-bases", f"ALT {shown(one)} has an ambiguity code")
            raise Unusable("bad-alt", f"ALT {shown(one)} is neither bases nor an allele as VCF writes it")
        if fixed != alts:
            self._journal.repair("lower-case", "Lower-case bases in REF and ALT were written in upper case", number)
        return fixed, kinds

    def _qual(self, number: int, qual: str) -> str:
        if self._old and qual in ("-1", "-1.0"):
            self._journal.repair("old-qual", 'QUAL -1, which means "missing" in VCF 3.x, was written as "."', number)
            return "."
        if len(qual) <= LONGEST_NUMBER and _NUMBER(qual):
            return qual
        self._journal.repair(
            "bad-qual", 'QUAL that is not a number was set to "."', number, f"QUAL {shown(qual)} was set to ."
        )
        return "."

    def _filter(self, number: int, value: str) -> str:
        if not value:
            return "."
        if self._old and value == "0":
            self._journal.repair("old-filter", "FILTER 0, which means PASS in VCF 3.x, was written as PASS", number)
            return "PASS"
        for name in value.split(";"):
            if name in self._filters and name != ".":
                continue
            if name in ("", ".") or len(name) > LONGEST_NAME or _UNFIT_IN_FILTER(name):
                raise Unusable("bad-filter", f"FILTER {shown(value)} is not a list of names")
            if len(self._filters) >= 10_000:
                raise Unusable("too-many-tags", "the file uses more than 10,000 filters that it does not declare")
            self._filters.add(name)
            self._filter_definitions.append(f'##FILTER=<ID={name},Description="Not described in the annotated file">')
            self._journal.repair(
                "undeclared-filter",
                "Filters that the header does not declare were declared",
                number,
                f"FILTER {shown(name)} was declared",
            )
        return value
