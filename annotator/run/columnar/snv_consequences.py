"""Consequences of SNVs near exons, computed in columns. The result for each allele is that of `effects.consequences`.

Each allele is a kind of its own, see `kinds`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.effects import csq_field
from annotator.effects.consequences import Choice
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import FLAGS, Transcript
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, put
from annotator.run.columnar.csq_writer import PREDICTED, WORDS, CsqWriter, Words, protein_change
from annotator.run.columnar.snv_effects import CODON, Pairs, SnvEffects, snv_effects
from annotator.run.columnar.term_masks import ranks_of
from annotator.run.columnar.texts import FLAG, GENE, HGVS_C, PROTEIN, TERM, Texts
from annotator.run.columnar.transcript_columns import TranscriptColumns
from annotator.run.columnar.window import Fetch, Window

_AND, _COLON, _P, _DOT = (ord(letter) for letter in "&:p.")
#: Maximum bytes of the texts of an allele without its genes, and of a protein change without its gene.
ROOM, PROTEIN_ROOM = 120, 40


class SnvConsequences(NamedTuple):
    """The described SNVs.

    alleles: their indices in the block, in order.
    rank: index in `effects.terms.IMPACT` of the most severe term of each SNV.
    genes: genes, each with the number of SNVs that touch it.
    texts: the texts of each SNV.
    transcripts, columns: the transcripts that `texts` refers to by index.
    """

    alleles: Ints
    rank: Ints
    genes: list[tuple[str, int]]
    texts: Texts
    transcripts: Sequence[Transcript]
    columns: TranscriptColumns


class _Names(NamedTuple):
    """Names for the texts of alleles: concatenated, with the offset of each name and the end of the last.

    genes, gene_begins: the genes of the contig, by index.
    terms, term_begins: the terms, by rank.
    flags, flag_begins: the flags of transcripts, by Transcript.standing.
    """

    genes: Bytes
    gene_begins: Ints
    terms: Bytes
    term_begins: Ints
    flags: Bytes
    flag_begins: Ints


class SnvDescriber:
    """Describes the SNVs of a block.

    Args:
        transcripts: the transcripts of the contig that have an SNV, and perhaps others, in their order.
        columns: the same transcripts.
        choice: the transcripts that get an entry in INFO/CSQ.
        fetch: returns the contig's bases.
        is_mitochondrial: whether HGVS describes variants only on the genome.
        predicted: whether protein descriptions are in parentheses.
    """

    def __init__(
        self,
        transcripts: Sequence[Transcript],
        columns: TranscriptColumns,
        choice: Choice,
        fetch: Fetch,
        *,
        is_mitochondrial: bool,
        predicted: bool = False,
    ) -> None:
        self._transcripts = transcripts
        self._choice = choice
        self._fetch = fetch
        self._columns = columns
        self._words = PREDICTED if predicted else WORDS
        self._writer = CsqWriter(transcripts, self._columns, self._words)
        self._starts, self._ends = columns.spans()
        self._reaches = np.maximum.accumulate(self._ends)
        self._codes = self._columns.start >= 0
        self._is_numbered = columns.has_start & (not is_mitochondrial)
        self._standing = np.array([one.standing for one in transcripts], np.int64)
        # The order of `consequences.picked`: among equal transcripts, coding ones come first, then the first by name.
        by_name = sorted(range(len(transcripts)), key=lambda at: (transcripts[at].coding is None, transcripts[at].name))
        self._order = np.argsort(np.array(by_name, np.int64))
        self._genes = list(dict.fromkeys(one.gene for one in transcripts))
        numbers = {gene: number for number, gene in enumerate(self._genes)}
        self._gene = np.array([numbers[one.gene] for one in transcripts], np.int64)
        self._names = _Names(
            *packed([csq_field.escaped(gene).encode("latin-1") for gene in self._genes]),
            *packed([term.encode("ascii") for term in IMPACT]),
            *packed([flag.encode("ascii") for flag in (*FLAGS, "")]),
        )

    def describe(self, alleles: Alleles, chosen: Ints, window: Window, pos: Ints) -> SnvConsequences:
        """Describe SNVs, except those that touch no transcript or have an effect that is left to `effects.effect`.

        Args:
            alleles: the alleles of a block.
            chosen: the indices of the SNVs, in order.
            window: the bases around the block's lines.
            pos: POS of each line.
        """
        owner, model = self._touched(alleles.start[chosen])
        effects = snv_effects(alleles, Pairs(chosen[owner], model), self._columns, window, pos, self._fetch)
        whole = np.zeros(len(chosen), np.bool_)
        whole[owner] = True
        whole[owner[effects.left]] = False
        kept = whole[owner]
        model, owner = model[kept], (np.cumsum(whole) - 1)[owner[kept]]
        return self._described(alleles, chosen[whole], owner, model, effects.part(kept))

    def _touched(self, place: Ints) -> tuple[Ints, Ints]:
        """Return pairs of a place, by index, and a transcript that includes it."""
        low = np.searchsorted(self._reaches, place)
        counts = np.maximum(np.searchsorted(self._starts, place, side="right") - low, 0)
        owner = np.repeat(np.arange(len(place)), counts)
        model = np.arange(len(owner)) - (np.cumsum(counts) - counts - low)[owner]
        there = self._ends[model] >= place[owner]
        return owner[there], model[there]

    def _described(
        self, alleles: Alleles, numbers: Ints, owner: Ints, model: Ints, effects: SnvEffects
    ) -> SnvConsequences:
        """Describe SNVs by index; `owner` has the index in `numbers` of each pair's SNV."""
        first = np.searchsorted(owner, np.arange(len(numbers) + 1))
        ranks = ranks_of(effects.mask)
        order = (self._standing[model] * len(IMPACT) + ranks) * len(self._transcripts) + self._order[model]
        picked = np.zeros(len(model), np.bool_)
        worst = np.zeros(len(numbers), np.int64)
        if len(model):
            picked = order == np.minimum.reduceat(order, first[:-1])[owner]
            worst = np.minimum.reduceat(ranks, first[:-1])
        shown = picked
        if self._choice is not Choice.ONE:
            shown = self._codes[model] | np.bool_(self._choice is Choice.ALL)
        pairs = Pairs(numbers[owner], model)
        entry_letters, entry_begins = self._writer.write(alleles, pairs, effects, picked, shown)
        on = np.where((shown | picked) & self._is_numbered[model], model, -1)
        best = np.flatnonzero(picked)
        letters, begins = self._summaries(first, best, worst, model, effects)
        touched = np.unique(owner * len(self._genes) + self._gene[model]) % len(self._genes)
        genes = np.unique(touched, return_counts=True)
        return SnvConsequences(
            numbers,
            worst,
            [(self._genes[number], count) for number, count in zip(*map(np.ndarray.tolist, genes), strict=True)],
            Texts(letters, begins, first, best - first[:-1], entry_letters, entry_begins, on, np.zeros_like(on)),
            self._transcripts,
            self._columns,
        )

    def _summaries(self, first: Ints, best: Ints, worst: Ints, model: Ints, effects: SnvEffects) -> tuple[Bytes, Ints]:
        """Return the texts of alleles, the same as those of `composer.summary_texts`, and the offset of each."""
        names, gene = self._names, self._gene[model]
        room = len(best) * ROOM + int((2 * np.diff(names.gene_begins)[gene] + PROTEIN_ROOM).sum())
        out, begins = np.empty(room, np.uint8), np.zeros(5 * len(best) + 1, np.int64)
        size = _summarize(first, self._standing[model[best]], worst, gene, effects, names, self._words, out, begins)
        return out[:size], begins


@compiled
def _summarize(
    first: Ints, standing: Ints, worst: Ints, gene: Ints, effects: SnvEffects, names: _Names, words: Words,
    out: Bytes, begins: Ints,
) -> int:  # fmt: skip
    size = 0
    for allele in range(len(worst)):
        start, stop = first[allele], first[allele + 1]
        begins[5 * allele + GENE] = size
        for pair in range(start, stop):
            if not _has_gene(gene, start, pair):
                size = _gene_name(gene[pair], names, pair > start, out, size)
        begins[5 * allele + TERM] = size
        size = put(out, size, names.terms, names.term_begins[worst[allele]], names.term_begins[worst[allele] + 1])
        begins[5 * allele + HGVS_C] = begins[5 * allele + FLAG] = size
        flag = standing[allele]
        size = put(out, size, names.flags, names.flag_begins[flag], names.flag_begins[flag + 1])
        begins[5 * allele + PROTEIN] = size
        count = 0
        for pair in range(start, stop):
            if effects.protein[pair] and not _has_protein(gene, effects, start, pair):
                size = _gene_name(gene[pair], names, count > 0, out, size)
                count += 1
                out[size], out[size + 1], out[size + 2] = _COLON, _P, _DOT
                size = protein_change(effects, pair, words, out, size + 3)
    begins[5 * len(worst)] = size
    return size


@compiled
def _has_gene(gene: Ints, start: int, pair: int) -> bool:
    """Return whether a pair from `start` to before `pair` has the same gene."""
    for other in range(start, pair):  # noqa: SIM110 - compiled
        if gene[other] == gene[pair]:
            return True
    return False


@compiled
def _has_protein(gene: Ints, effects: SnvEffects, start: int, pair: int) -> bool:
    """Return whether a pair from `start` to before `pair` changes a protein of the same gene in the same way."""
    for other in range(start, pair):
        if (
            gene[other] == gene[pair]
            and effects.protein[other] == effects.protein[pair]
            and effects.residue[other] == effects.residue[pair]
            and effects.changed[other] == effects.changed[pair]
            and (effects.cds[other] + 2) // CODON == (effects.cds[pair] + 2) // CODON
        ):
            return True
    return False


@compiled
def _gene_name(gene: int, names: _Names, more: bool, out: Bytes, size: int) -> int:
    """Write a gene; "&" before it if `more`."""
    if more:
        out[size] = _AND
        size += 1
    return put(out, size, names.genes, names.gene_begins[gene], names.gene_begins[gene + 1])
