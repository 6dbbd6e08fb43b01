"""The consequences of the alleles of a block, described once for all alleles with the same consequences.

Away from exons, all changes within a stretch of the contig have the same consequences (annotator.run.columnar.places);
only their HGVS descriptions and the distance to a nearby gene differ. Every other allele, and every allele in a stretch
with few alleles, is a kind of its own: SNVs are described in columns (annotator.run.columnar.snv_consequences) if
possible, all others by annotator.run.composer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from annotator.effects import csq_field
from annotator.effects.allele import Change, shortest
from annotator.effects.consequences import Consequences
from annotator.effects.genes import Models
from annotator.effects.transcript import Span, Transcript
from annotator.run.columnar.alleles import SNV, Alleles
from annotator.run.columnar.compiled import Ints, packed
from annotator.run.columnar.places import Places
from annotator.run.columnar.snv_consequences import SnvConsequences, SnvDescriber
from annotator.run.columnar.texts import Texts
from annotator.run.columnar.texts import joined as texts_joined
from annotator.run.columnar.transcript_columns import TranscriptColumns, transcript_columns
from annotator.run.columnar.transcript_columns import joined as columns_joined
from annotator.run.columnar.window import Fetch, Window
from annotator.run.composer import Composer, summary_texts

#: Minimum number of alleles for a shared description of a stretch. In other stretches, SNVs are described in columns.
WORTH_A_KIND = 8


class Entry(NamedTuple):
    """An entry of INFO/CSQ without the allele and its number.

    texts: BEFORE, MIDDLE and AFTER. BEFORE is empty in an entry that is not written: only its HGVSc is used.
    transcript: the transcript on which MIDDLE describes the allele; None if MIDDLE is known.
    edge: the end of a gene, if MIDDLE is the distance to it: negative if the gene lies before the allele. 0 if MIDDLE
        is not a distance.
    """

    texts: tuple[bytes, bytes, bytes]
    transcript: Transcript | None = None
    edge: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """Alleles with the same consequences.

    consequences: the consequences, without HGVS descriptions if these differ between the alleles.
    texts: INFO values in the order of annotator.run.columnar.texts; empty for none.
    entries: the entries of INFO/CSQ.
    picked: index of the entry whose HGVSc is also GAS_HGVSC; -1 if GAS_HGVSC is in `texts`.
    """

    consequences: Consequences
    texts: tuple[bytes, bytes, bytes, bytes, bytes]
    entries: tuple[Entry, ...]
    picked: int


class BlockConsequences(NamedTuple):
    """The consequences of a block's alleles.

    kinds: the kinds that are described one by one, or once for a stretch.
    snvs: the SNVs that are described in columns; None if there are none.
    numbers: the index of each allele's kind. Indices after the last of `kinds` count on through `snvs`, in its order.
    """

    kinds: list[Kind]
    snvs: SnvConsequences | None
    numbers: Ints


class Kinds:
    """Finds the kinds of a block's alleles. For one thread only."""

    def __init__(
        self,
        composer: Composer,
        contig: str,
        everything: Models,
        columns: TranscriptColumns,
        crowded: Sequence[Span],
        fetch: Fetch,
    ) -> None:
        """Prepare for a block.

        Args:
            composer: describes alleles.
            contig: the contig of the block.
            everything: the gene models near the block's alleles.
            columns: the transcripts among the gene models.
            crowded: stretches with many alleles.
            fetch: returns the contig's bases.
        """
        self._composer = composer
        self._contig = contig
        self._places = Places(everything, crowded)
        self._snvs = None
        if everything.transcripts:
            self._snvs = SnvDescriber(
                everything.transcripts,
                columns,
                composer.choice,
                fetch,
                is_mitochondrial=composer.is_mitochondrial(contig),
                predicted=composer.predicted,
            )

    def of(self, alleles: Alleles, window: Window, pos: Ints) -> BlockConsequences:
        """Return the consequences of a block's alleles.

        Args:
            alleles: the alleles of a block.
            window: the bases around the block's lines.
            pos: POS of each line.
        """
        first = self._places.of(alleles.start - (alleles.lost == 0))
        last = self._places.of(alleles.start + np.maximum(alleles.lost - 1, 0))
        far = (first == last) & (first >= 0) & self._places.alike[first]
        numbers = np.zeros(len(alleles.pos), np.int64)
        numbers[far] = _ranked(first[far])
        alone = ~far | (np.bincount(numbers[far], minlength=1)[numbers] < WORTH_A_KIND)
        left = np.ones(len(alleles.pos), np.bool_)
        snvs = None
        chosen = np.flatnonzero(alone & (alleles.kind == SNV))
        if self._snvs is not None and len(chosen):
            snvs = self._snvs.describe(alleles, chosen, window, pos)
            left[snvs.alleles] = False
        far &= left
        numbers[far] = _ranked(first[far])
        # Any allele of a stretch represents all of them.
        positions = np.zeros(numbers[far].max(initial=-1) + 1, np.int64)
        positions[numbers[far]] = alleles.start[far]
        kinds = [self._in_stretch(position) for position in positions.tolist()]
        own: dict[object, int] = {}
        for one in np.flatnonzero(left & ~far).tolist():
            variant = alleles.variant(one)
            number = own.get(variant)
            if number is None:
                number = own[variant] = len(kinds)
                kinds.append(self._alone(shortest(*variant)))
            numbers[one] = number
        if snvs is not None:
            numbers[snvs.alleles] = len(kinds) + np.arange(len(snvs.alleles))
        return BlockConsequences(kinds, snvs, numbers)

    def _alone(self, change: Change) -> Kind:
        found = self._composer.consequences(self._contig, change)
        parts = found.entries(self._composer.choice)
        entries = tuple(Entry(tuple(part.encode("latin-1") for part in one)) for one in parts)  # type: ignore[arg-type]
        return Kind(found, _texts(found), entries, -1)

    def _in_stretch(self, position: int) -> Kind:
        """Return the kind of all alleles in a stretch, represented by an unknown base at one of its positions."""
        found = self._composer.consequences(self._contig, Change(position, "N", "N"))
        if not found.effects:
            return Kind(found, _texts(found), (_outside(found, position),), -1)
        numbered = not self._composer.is_mitochondrial(self._contig)
        written = found.chosen(self._composer.choice)
        places = written if found.picked in written or found.picked is None else [*written, found.picked]
        entries = []
        for at in places:
            transcript, effect = found.effects[at]
            before = csq_field.before_hgvs_c(effect, transcript) if at in written else ""
            after = csq_field.after_hgvs_c(effect, transcript, is_picked=at == found.picked)
            texts = before.encode("latin-1"), b"", after.encode("latin-1")
            entries.append(Entry(texts, transcript if numbered and transcript.is_numbered else None))
        assert found.picked is not None  # noqa: S101 - there are effects
        picked, _ = found.effects[found.picked]
        return Kind(found, _texts(found, picked.flag), tuple(entries), places.index(found.picked))


def _outside(found: Consequences, position: int) -> Entry:
    ((before, _, after),) = found.entries_outside()
    edge = 0
    if found.nearby is not None:
        gene = found.nearby.gene
        edge = gene.start if gene.start > position else -gene.end
    return Entry((before.encode("latin-1"), b"", after.encode("latin-1")), None, edge)


def _texts(found: Consequences, flag: str = "") -> tuple[bytes, bytes, bytes, bytes, bytes]:
    gene, term, hgvs_c, own_flag, protein = (text.encode("latin-1") for text in summary_texts(found))
    return gene, term, hgvs_c, own_flag or flag.encode("latin-1"), protein


def _ranked(keys: Ints) -> Ints:
    """Return the rank of each key among the distinct keys, from 0. Memory grows with the range of the keys."""
    if not len(keys):
        return keys
    least = keys.min()
    there = np.zeros(keys.max() - least + 1, np.bool_)
    there[keys - least] = True
    ranks: Ints = (np.cumsum(there) - 1)[keys - least]
    return ranks


def texts(found: BlockConsequences) -> tuple[Texts, Sequence[Transcript], TranscriptColumns]:
    """Return the texts of kinds; and the transcripts that the texts number, as objects and as columns."""
    written, transcripts = _texts_of(found.kinds)
    columns = transcript_columns(transcripts)
    if found.snvs is not None:
        written = texts_joined(written, found.snvs.texts, len(transcripts))
        transcripts += found.snvs.transcripts
        columns = columns_joined(columns, found.snvs.columns)
    return written, transcripts, columns


def _texts_of(kinds: Sequence[Kind]) -> tuple[Texts, list[Transcript]]:
    numbers: dict[Transcript, int] = {}
    entries = [entry for kind in kinds for entry in kind.entries]
    for entry in entries:
        if entry.transcript is not None:
            numbers.setdefault(entry.transcript, len(numbers))
    letters, begins = packed([text for kind in kinds for text in kind.texts])
    entry_letters, entry_begins = packed([text for entry in entries for text in entry.texts])
    return (
        Texts(
            letters,
            begins,
            np.cumsum([0, *(len(kind.entries) for kind in kinds)], dtype=np.int64),
            np.array([kind.picked for kind in kinds], np.int64),
            entry_letters,
            entry_begins,
            np.array([-1 if entry.transcript is None else numbers[entry.transcript] for entry in entries], np.int64),
            np.array([entry.edge for entry in entries], np.int64),
        ),
        list(numbers),
    )
