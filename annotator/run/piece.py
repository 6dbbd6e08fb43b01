"""Pieces of a file: groups of records that are annotated and written together."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from annotator.effects.allele import Kind
from annotator.effects.normalize import Variant
from annotator.formats import tabix
from annotator.preflight.record import Record

if TYPE_CHECKING:
    from annotator.run.stream import Pass


class Piece(Protocol):
    """Records of one contig that are annotated and written together.

    contig: the reference's name of the contig.
    records: number of records.
    """

    contig: str
    records: int

    def annotate(self) -> None:
        """Annotate the records, and count them in the pass's summary."""

    def lines(self) -> bytes | memoryview:
        """Return the annotated lines. Call it after `annotate`."""

    def unproven(self) -> bytes | memoryview:
        """Return the annotated lines that bcftools must read to prove that they are readable."""

    def indexed(self) -> tuple[bytes, tabix.Places | None]:
        """Return the contig's name in the file, and the places of the annotated lines for the index.

        The places are None if the annotator cannot compute them. Call this method after `lines`.
        """


def placed_by_ref(record: Record) -> bool:
    """Return whether REF alone determines the last base of a record."""
    symbolic = Kind.SYMBOLIC in record.kinds
    return not symbolic and "END=" not in record.info and record.pos + len(record.ref) <= tabix.LAST


def composed(
    record: Record, variants: Iterable[Variant], added: str, phased: Mapping[Variant, str], work: "Pass"
) -> str:
    """Return the annotated line of a record, and count it in the summary.

    Args:
        record: a record that passed its checks.
        variants: an iterator whose next items are the normal forms of the record's predictable alleles.
        added: the INFO entries from sources.
        phased: values of GAS_PHASED, by normal form.
        work: the pass.
    """
    alleles = work.composer.alleles(record, variants, phased)
    work.summary.add(record, alleles, added)
    columns = [record.left, work.composer.info(record.ref, record.info, alleles, added)]
    if record.tail:
        columns.append(record.tail)
    return "\t".join(columns) + "\n"
