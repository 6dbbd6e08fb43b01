"""One gene of a pack's table of features: its own row, and those of its transcripts."""

from functools import cached_property

from annotator import rna, transcripts
from annotator.features import Feature, Transcript, codon_of_row, feature_of_row, transcript_of_row
from annotator.rna import Rna
from annotator.transcripts import Model

#: How rows begin that are not a gene's own.
CODING, RNAS, MODELS = "CDS\t", "RNA\t", "TX\t"
_OTHERS = (CODING, RNAS, MODELS)


class GeneRows:
    """The features of a gene. Rows of a kind are read when they are first asked for: few records need all of them, and
    of a gene beside a record its own row will do.
    """

    def __init__(self, contig: str, text: str) -> None:
        """text: of all its rows, its own first."""
        self._contig = contig
        self._text = f"\n{text}"

    @cached_property
    def heads(self) -> list[Feature]:
        """The gene itself, or a region that has no gene."""
        text, begin = self._text, 1
        found = []
        while begin < len(text) and not text.startswith(_OTHERS, begin):
            end = text.index("\n", begin)
            found.append(feature_of_row(self._contig, text[begin:end]))
            begin = end + 1
        return found

    def _rows(self, kind: str) -> list[str]:
        begin = self._text.find(f"\n{kind}")
        return [row for row in self._text[begin + 1 :].split("\n") if row.startswith(kind)] if begin >= 0 else []

    @cached_property
    def rnas(self) -> list[Rna]:
        """Its transcripts that code for nothing."""
        found = []
        for row in self._rows(RNAS):
            _, _, _, strand, rest = row.split("\t", 4)
            found.append(rna.of_row(self._contig, strand, rest))
        return found

    @cached_property
    def codons(self) -> set[tuple[int, int]]:
        """The last codons of its coding transcripts that are not whole."""
        return {codon for row in self._rows(CODING) if (codon := codon_of_row(row))}

    @cached_property
    def coding(self) -> list[list[tuple[int, int]]]:
        """The coding segments of each of its transcripts that codes."""
        return [transcript_of_row(row, self._contig).segments for row in self._rows(CODING)]

    @cached_property
    def models(self) -> list[Model]:
        """Its transcripts."""
        return [transcripts.of_row(self._contig, row) for row in self._rows(MODELS)]

    def transcript(self, name: str) -> Transcript | None:
        """The coding transcript of this name, None if there is none."""
        rows = self._rows(f"{CODING}{name}\t")
        return transcript_of_row(rows[0], self._contig) if rows else None
