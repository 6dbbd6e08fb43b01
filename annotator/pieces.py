"""Pieces of a file that go through together, and what they have in common: how csq is asked and answers."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from annotator import tabix
from annotator.alleles import Kind
from annotator.errors import EngineError
from annotator.preflight.records import Record
from annotator.sources.matching import Variant

if TYPE_CHECKING:
    from annotator.stream import Pass

#: What csq gets of a piece is padded to this share of the records' size, up to what fills its buffers: it writes when
#: they are full. So what waits in them and in the pipes is bounded in bytes of the records too, however many samples
#: they have and however few of them csq is asked about.
PADDING = 8
PUSH = 64 * 1024

BLANK = "\t.\t.\t.\n"  # QUAL, FILTER and INFO of a bare record


class Piece(Protocol):
    """Records of one contig that go through together.

    contig: by the reference's name; records: how many; size: of their text, in characters; asked: the lines that csq is
    to answer, one at least.
    """

    contig: str
    records: int
    size: int
    asked: int

    def bare(self) -> bytes:
        """The lines for csq; asked of them."""

    def answer(self, answers: bytes) -> None:
        """Take csq's lines, and count the records in the pass's summary. Raises EngineError."""

    def lines(self) -> bytes:
        """The annotated lines, once it has its answers."""

    def places(self) -> list[tuple[int, int]]:
        """The first and the last base of each REF that csq is asked about, in any order."""

    def unproven(self) -> bytes:
        """Of the annotated lines those of which only bcftools can tell whether it can read them."""

    def span(self) -> tuple[int, int]:
        """The first and the last position that csq is asked about."""

    def indexed(self) -> tuple[bytes, tabix.Places | None]:
        """The contig's name in the file, and where the annotated lines are for the index, None if it cannot be told.
        Once `lines` has been called.
        """


def padded(lines: bytes, size: int) -> bytes:
    """Lines for csq, the last of them padded to a share of the size that the records have."""
    start = lines.rfind(b"\n", 0, -1) + 1
    contig, pos, number, rest = lines[start:].split(b"\t", 3)
    padding = b"x" * min(size // PADDING, PUSH)
    return lines[:start] + b"\t".join((contig, pos, number + b";" + padding, rest))


def placed_by_ref(record: Record) -> bool:
    """Whether REF alone tells how far a record reaches."""
    symbolic = Kind.SYMBOLIC in record.kinds
    return not symbolic and "END=" not in record.info and record.pos + len(record.ref) <= tabix.LAST


def composed(
    record: Record, answers: Iterator[tuple[Variant, str]], added: str, phased: Mapping[Variant, str], work: "Pass"
) -> str:
    """The annotated line of a record; answers: those for its alleles come next; added: what sources say; phased: what
    is written of alleles with their neighbours.
    """
    alleles = work.composer.alleles(record, answers, phased)
    work.summary.add(record, alleles, added)
    columns = [record.left, work.composer.info(record.info, alleles, added)]
    if record.tail:
        columns.append(record.tail)
    return "\t".join(columns) + "\n"


def parsed(lines: list[bytes]) -> list[tuple[int, str]]:
    """What lines of csq say, in the order of their numbers, which are 0 and on: position and the value of BCSQ.

    Raises EngineError if a number is not there.
    """
    found: list[tuple[int, str]] = [(0, "")] * len(lines)
    for line in lines:
        _, pos, number, _, _, _, _, info = line.split(b"\t", 7)
        place = int(number.partition(b";")[0])
        if not 0 <= place < len(found) or found[place][0]:
            raise out_of_order()
        found[place] = int(pos), info[5:].decode("ascii") if info.startswith(b"BCSQ=") else ""
    return found


def out_of_order() -> EngineError:
    """csq's answers are not to what it was asked."""
    return EngineError("csq-order", "bcftools csq gave its records back in another order")
