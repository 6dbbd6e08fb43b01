"""Pieces of a file that go through together."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from annotator.effects.allele import Kind
from annotator.effects.normalize import Variant
from annotator.formats import tabix
from annotator.preflight.record import Record

if TYPE_CHECKING:
    from annotator.run.stream import Pass


class Piece(Protocol):
    """Records of one contig that go through together.

    contig: by the reference's name.
    records: how many there are.
    """

    contig: str
    records: int

    def annotate(self) -> None:
        """Annotate the records, and count them in the pass's summary."""

    def lines(self) -> bytes | memoryview:
        """Return the annotated lines. Call it after `annotate`."""

    def unproven(self) -> bytes | memoryview:
        """Return the annotated lines that bcftools has to read to show that they can be read."""

    def indexed(self) -> tuple[bytes, tabix.Places | None]:
        """Return the contig's name in the file, and where the annotated lines are for the index.

        The latter is None if it cannot be told. Call it after `lines`.
        """


def placed_by_ref(record: Record) -> bool:
    """Return whether REF alone tells how far a record reaches."""
    symbolic = Kind.SYMBOLIC in record.kinds
    return not symbolic and "END=" not in record.info and record.pos + len(record.ref) <= tabix.LAST


def composed(
    record: Record, variants: Iterable[Variant], added: str, phased: Mapping[Variant, str], work: "Pass"
) -> str:
    """Return the annotated line of a record, and count it in the summary.

    Args:
        record: a sound record.
        variants: the normal forms of its predictable alleles come next.
        added: the entries of sources.
        phased: the value of GAS_PHASED for normal forms.
        work: the pass.
    """
    alleles = work.composer.alleles(record, variants, phased)
    work.summary.add(record, alleles, added)
    columns = [record.left, work.composer.info(record.ref, record.info, alleles, added)]
    if record.tail:
        columns.append(record.tail)
    return "\t".join(columns) + "\n"
