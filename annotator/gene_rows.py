"""One gene of a pack's table of features: its own row, and those of its transcripts."""

from collections.abc import Iterable
from functools import cached_property

from annotator import rna, transcripts
from annotator.features import Feature, Transcript, codon_of_row, feature_of_row, transcript_of_row
from annotator.rna import Rna
from annotator.transcripts import Model


class GeneRows:
    """The features of a gene. Rows of a kind are read when they are first asked for: few records need all of them."""

    def __init__(self, contig: str, rows: Iterable[str]) -> None:
        self._contig = contig
        self._heads: list[str] = []
        self._coding: list[str] = []
        self._rnas: list[str] = []
        self._models: list[str] = []
        lists = {"TX": self._models, "CDS": self._coding, "RNA": self._rnas}
        for row in rows:
            lists.get(row[: row.index("\t")], self._heads).append(row)

    @cached_property
    def heads(self) -> list[Feature]:
        """The gene itself, or a region that has no gene."""
        return [feature_of_row(self._contig, row) for row in self._heads]

    @cached_property
    def rnas(self) -> list[Rna]:
        """Its transcripts that code for nothing."""
        found = []
        for row in self._rnas:
            _, _, _, strand, rest = row.split("\t", 4)
            found.append(rna.of_row(self._contig, strand, rest))
        return found

    @cached_property
    def codons(self) -> set[tuple[int, int]]:
        """The last codons of its coding transcripts that are not whole."""
        return {codon for row in self._coding if (codon := codon_of_row(row))}

    @cached_property
    def models(self) -> list[Model]:
        """Its transcripts."""
        return [transcripts.of_row(self._contig, row) for row in self._models]

    def transcript(self, name: str) -> Transcript | None:
        """The coding transcript of this name, None if there is none."""
        head = f"CDS\t{name}\t"
        return next((transcript_of_row(row, self._contig) for row in self._coding if row.startswith(head)), None)
