"""A piece whose records are annotated one by one."""

from typing import TYPE_CHECKING

from annotator.formats import tabix
from annotator.preflight.record import Record
from annotator.run.composer import normal_forms
from annotator.run.piece import composed, placed_by_ref

if TYPE_CHECKING:
    from annotator.run.stream import Pass


class Batch:
    """Records of one contig that are annotated one by one. Implements `piece.Piece`."""

    def __init__(self, records: list[Record], work: "Pass") -> None:
        self.contig = records[0].contig
        self.records = len(records)
        self._members = records
        self._work = work
        self._lines: list[str] = []

    def annotate(self) -> None:
        """See Piece.annotate."""
        work = self._work
        variants, owners = normal_forms(self._members, work.fetch)
        added = work.sources.info(self.contig, self._members, variants, owners)
        phased = work.phased(self._members, variants)
        given = iter(variants)
        self._lines = [
            composed(record, given, told, phased, work) for record, told in zip(self._members, added, strict=True)
        ]

    def lines(self) -> bytes:
        """See Piece.lines."""
        return "".join(self._lines).encode("latin-1")

    def unproven(self) -> bytes:
        """See Piece.unproven."""
        return self.lines()

    def indexed(self) -> tuple[bytes, tabix.Places | None]:
        """See Piece.indexed."""
        name = self._members[0].left.partition("\t")[0].encode("latin-1")
        if not all(map(placed_by_ref, self._members)):
            return name, None
        return name, tabix.places(
            (record.pos, record.pos + len(record.ref) - 1, len(line))
            for record, line in zip(self._members, self._lines, strict=True)
        )
