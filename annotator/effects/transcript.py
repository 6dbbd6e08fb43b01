"""A transcript of a gene, and the positions of its bases."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from annotator.effects.hgvs_transcript import Layout

Span = tuple[int, int]


#: The flags that the annotator knows, the highest first: https://www.ensembl.org/info/genome/genebuild/mane.html and
#: https://www.ensembl.org/info/genome/genebuild/canonical.html.
FLAGS = ("MANE_Select", "MANE_Plus_Clinical", "Ensembl_canonical")
#: Tags of transcripts whose coding sequence begins before the transcript, or continues after its end.
NO_START, NO_END = "cds_start_NF", "cds_end_NF"


@dataclass(frozen=True, eq=False)
class Transcript:
    """One transcript of a gene. Two transcripts are equal only if they are the same object.

    name: with its version, such as ENST00000373020.9.
    gene: the gene's symbol, or its identifier where it has none.
    biotype: as the gene models call it, such as protein_coding.
    strand: "+" or "-".
    exons: first and last base of each exon on the contig, 1-based and included, in the contig's order, without
        overlaps.
    coding: the first and the last coding base on the contig, stop codon included, both in exons; None for a non-coding
        transcript.
    phase: the number of bases at the start of the coding sequence that belong to an incomplete codon: 0, 1 or 2.
    start_known: False if the coding sequence begins before the transcript (cds_start_NF).
    end_known: False if the coding sequence continues after the transcript's end (cds_end_NF).
    genetic_code: NCBI's number.
    gene_id: the gene's identifier, such as ENSG00000000003; "" if the gene models have none.
    protein_id: the protein's identifier, such as ENSP00000362111; "" if the gene models have none.
    flags: those of FLAGS that it has, in their order.
    mature: first and last base on the contig of each mature product of a microRNA hairpin, in the contig's order.
    is_consistent: False if exons and coding segments do not fit each other, as with ribosomal slippage: its bases are
        then not numbered and its protein is not predicted.
    """

    name: str
    gene: str
    biotype: str
    strand: str
    exons: tuple[Span, ...]
    coding: Span | None = None
    phase: int = 0
    start_known: bool = True
    end_known: bool = True
    genetic_code: int = 1
    gene_id: str = ""
    protein_id: str = ""
    flags: tuple[str, ...] = ()
    mature: tuple[Span, ...] = ()
    is_consistent: bool = True

    @property
    def start(self) -> int:
        """The first base on the contig."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """The last base on the contig."""
        return self.exons[-1][1]

    @property
    def flag(self) -> str:
        """The highest of its flags, "" if it has none."""
        return self.flags[0] if self.flags else ""

    @property
    def standing(self) -> int:
        """The rank of its highest flag, 0 for MANE Select; a transcript without flags comes last."""
        return FLAGS.index(self.flags[0]) if self.flags else len(FLAGS)

    @property
    def is_numbered(self) -> bool:
        """Whether HGVS can number its bases: the position of c.1 must be known."""
        return self.is_consistent and self.start_known and not self.phase

    @property
    def may_complete_stop(self) -> bool:
        """Whether polyadenylation may complete a stop codon at its end, as in mitochondrial genes."""
        ends_there = self.coding_offsets is not None and self.coding_offsets[1] == self.length
        return self.end_known and self.genetic_code != 1 and ends_there

    @property
    def coding_exons(self) -> list[Span]:
        """The coding parts of the exons, along the contig."""
        if self.coding is None:
            return []
        start, end = self.coding
        return [(max(first, start), min(last, end)) for first, last in self.exons if first <= end and last >= start]

    @cached_property
    def layout(self) -> Layout:
        """How HGVS numbers the bases."""
        return Layout(self.strand, self.exons, self.coding)

    @cached_property
    def places(self) -> tuple[Span, ...]:
        """The exons as places in the transcript's direction: positions, negative on the reverse strand."""
        return self._placed(self.exons)

    @cached_property
    def mature_places(self) -> tuple[Span, ...]:
        """The mature products as places, in the transcript's direction."""
        return self._placed(self.mature)

    def _placed(self, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return spans if self.strand != "-" else tuple((-end, -start) for start, end in reversed(spans))

    @cached_property
    def introns(self) -> tuple[Span, ...]:
        """The introns as places, in the transcript's direction."""
        pairs = zip(self.places, self.places[1:], strict=False)
        return tuple((left[1] + 1, right[0] - 1) for left, right in pairs)

    @cached_property
    def _begins(self) -> tuple[int, ...]:
        return tuple(begin for begin, _ in self.places)

    @cached_property
    def _before(self) -> tuple[int, ...]:
        return tuple(accumulate((end - begin + 1 for begin, end in self.places), initial=0))

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(end for _, end in self.places)

    @property
    def length(self) -> int:
        """The number of bases in all exons."""
        return self._before[-1]

    def exon_at(self, place: int) -> int | None:
        """Return the number, from 0, of the exon with a place; None in introns and outside."""
        exon = bisect_right(self._begins, place) - 1
        return exon if exon >= 0 and place <= self.places[exon][1] else None

    def exons_between(self, first: int, last: int) -> range:
        """Return the numbers, from 0, of the exons with a place from `first` to `last`.

        If `last` is `first - 1`, return the exons with both places.
        """
        return range(bisect_left(self._ends, first), bisect_right(self._begins, last))

    def introns_between(self, first: int, last: int) -> range:
        """Return the numbers, from 0, of the introns with a place from `first` to `last`; see `exons_between`."""
        count = len(self._ends)
        return range(bisect_left(self._begins, first + 1, 1) - 1, bisect_right(self._ends, last - 1, 0, count - 1))

    def offset(self, place: int) -> int:
        """Return how many spliced bases precede a place in an exon or directly after one."""
        exon = bisect_right(self._begins, place) - 1
        if exon < 0:
            return 0
        begin, end = self.places[exon]
        return self._before[exon] + min(place, end + 1) - begin

    @cached_property
    def coding_offsets(self) -> Span | None:
        """The start and the end (not included) of the coding sequence among the spliced bases, from 0."""
        if self.coding is None:
            return None
        first, last = sorted(-one if self.strand == "-" else one for one in self.coding)
        return self.offset(first), self.offset(last) + 1
