"""A piece whose records go through one by one."""

from typing import TYPE_CHECKING

from annotator import tabix
from annotator.compose import normal_forms
from annotator.pieces import BLANK, composed, out_of_order, padded, parsed, placed_by_ref
from annotator.preflight.records import Record

if TYPE_CHECKING:
    from annotator.stream import Pass


class Batch:
    """Records of one contig, each on its own."""

    def __init__(self, records: list[Record], work: "Pass") -> None:
        self.contig = records[0].contig
        self.records = len(records)
        self.size = sum(len(record.left) + len(record.info) + len(record.tail) for record in records)
        self._members = records
        self._variants, owners = normal_forms(records, work.fetch)
        self._added = work.sources.info(self.contig, records, self._variants, owners)
        self._combinations = work.combinations(records, self._variants)
        self._questions = [*self._variants, *(one.variant for one in self._combinations)]
        self._work = work
        self.asked = len(self._questions) or 1

    def bare(self) -> bytes:
        """See Piece.bare."""
        last = self._members[-1]
        variants = self._questions or [(last.pos, last.ref, ".")]  # an answer there must be: see Answers
        lines = [
            f"{self.contig}\t{pos}\t{number}\t{ref}\t{alt}{BLANK}" for number, (pos, ref, alt) in enumerate(variants)
        ]
        lines = [lines[number] for number in sorted(range(len(lines)), key=lambda number: variants[number][0])]
        return padded("".join(lines).encode("ascii"), self.size)

    def places(self) -> list[tuple[int, int]]:
        """See Piece.places."""
        return [(pos, pos + len(ref) - 1) for pos, ref, _ in self._questions]

    def span(self) -> tuple[int, int]:
        """See Piece.span."""
        positions = [pos for pos, _, _ in self._questions] or [self._members[-1].pos]
        return min(positions), max(positions)

    def prepare(self) -> None:
        """Do what can be done before there are answers; it need not be."""
        self._work.composer.prepare(self.contig, self._variants)

    def answer(self, answers: bytes) -> None:
        """See Piece.answer."""
        found = parsed(answers.splitlines())
        if any(pos != found[number][0] for number, (pos, _, _) in enumerate(self._questions)):
            raise out_of_order()
        said = [bcsq for _, bcsq in found]
        phased = self._work.told(self._combinations, said[len(self._variants) : len(self._questions)], self.contig)
        given = zip(self._variants, said, strict=False)
        self._lines = [
            composed(record, given, added, phased, self._work)
            for record, added in zip(self._members, self._added, strict=True)
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
