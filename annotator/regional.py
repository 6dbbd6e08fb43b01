"""Features of a pack whose genes are indexed (annotator.regions): of a contig, those near what is asked are read."""

from collections.abc import Sequence
from functools import lru_cache

from annotator.coding import Span
from annotator.features import NEARBY, FeatureLookup, Features, Stretches, Transcript
from annotator.regions import Genes
from annotator.transcripts import Model

BITS = 12  # lookups within the same 4,096 bases share what has been read
STRETCHES_KEPT = 256
GENES_KEPT = 256  # of which a transcript has been asked for
ALWAYS = 8  # so many genes are never too many

#: How the table's rows of a kind begin, as each lookup needs one of them; genes are all that has none of the others.
GENES, CODING, RNAS, MODELS = "", "CDS\t", "RNA\t", "TX\t"
_OTHERS = (CODING, RNAS, MODELS)
_NOTHING = Features.of_table("", ())


class _Stretch:
    """Genes of a part of a contig. The rows of a kind are read when they are asked for."""

    def __init__(self, contig: str, rows: Sequence[str]) -> None:
        self._contig = contig
        self._rows = rows
        self._read: dict[str, Features] = {}

    def of(self, kind: str) -> Features:
        found = self._read.get(kind)
        if found is None:
            if kind == GENES:
                rows = [row for row in self._rows if not row.startswith(_OTHERS)]
            else:
                rows = [row for row in self._rows if row.startswith(kind)]
            found = self._read[kind] = Features.of_table(self._contig, rows) if rows else _NOTHING
        return found


class RegionalFeatures:
    """Gives the same answers as `whole`, which has all of each contig.

    That is asked where it is less work: for what needs all of a contig, and when more genes have been read than the
    contig has, some again and again.
    """

    def __init__(self, whole: FeatureLookup, genes: Genes) -> None:
        self._whole = whole
        self._genes = genes
        self._visit = "", 0  # the contig that was asked last, and how many genes have been read of it meanwhile
        # Of this object alone, and gone with it.
        self._stretch = lru_cache(maxsize=STRETCHES_KEPT)(self._read)
        self._gene = lru_cache(maxsize=GENES_KEPT)(self._read_gene)

    def _near(self, contig: str, start: int, end: int, kind: str) -> FeatureLookup:
        """Features among which are all of a kind that share a base with start to end."""
        index = self._genes.of(contig)
        if index is None:
            return self._whole
        asked, count = self._visit
        if asked != contig:
            self._visit = contig, 0
        elif count > len(index.starts):
            return self._whole
        found = self._stretch(contig, start >> BITS, end >> BITS)
        return found.of(kind) if found else self._whole

    def _read(self, contig: str, first: int, last: int) -> _Stretch | None:
        """None where it is too much."""
        index = self._genes.of(contig)
        if index is None:
            return None
        genes = index.overlapping(first << BITS, ((last + 1) << BITS) - 1)
        self._visit = contig, self._visit[1] + len(genes)
        if len(genes) > len(index.starts) // 2 + ALWAYS:
            return None
        return _Stretch(contig, self._genes.rows(contig, index, genes))

    def _read_gene(self, contig: str, gene: int) -> Features:
        index = self._genes.of(contig)
        return Features.of_table(contig, self._genes.rows(contig, index, [gene]) if index else ())

    def names(self, contig: str, start: int, end: int) -> list[str]:
        """See Features.names."""
        return self._near(contig, start, end, GENES).names(contig, start, end)

    def beside(self, contig: str, start: int, end: int) -> str:
        """See Features.beside."""
        return self._near(contig, start - NEARBY, end + NEARBY, GENES).beside(contig, start, end)

    def in_rna(self, contig: str, gene: str, start: int, end: int) -> str:
        """See Features.in_rna."""
        return self._near(contig, start, end, RNAS).in_rna(contig, gene, start, end)

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool:
        """See Features.in_incomplete_codon."""
        return self._near(contig, start, end, CODING).in_incomplete_codon(contig, start, end)

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """See Features.coding."""
        return self._near(contig, start, end, CODING).coding(contig, start, end)

    def stretches(self, contig: str) -> Stretches:
        """See Features.stretches. Reads all of the contig."""
        return self._whole.stretches(contig)

    def transcript(self, name: str, contig: str) -> Transcript | None:
        """See Features.transcript."""
        index = self._genes.of(contig)
        if index is None:
            return self._whole.transcript(name, contig)
        found = (self._gene(contig, gene).transcript(name, contig) for gene in index.with_transcript(name))
        return next((one for one in found if one), None)

    def models(self, contig: str, start: int, end: int) -> list[Model]:
        """See Features.models."""
        return self._near(contig, start, end, MODELS).models(contig, start, end)
