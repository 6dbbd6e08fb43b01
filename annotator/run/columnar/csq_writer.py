"""Write INFO/CSQ entries for many pairs of an allele and a transcript at once, as `effects.csq_field` writes one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.effects import csq_field
from annotator.effects.hgvs_genomic import THREE_LETTERS
from annotator.effects.terms import impact_of
from annotator.effects.transcript import Transcript
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.codons import CODES, CodonTables
from annotator.run.columnar.compiled import Bytes, Flags, Ints, array_of, compiled, packed, put, put_number
from annotator.run.columnar.snv_effects import CODON, SAME, START, Pairs, SnvEffects
from annotator.run.columnar.term_masks import terms_of
from annotator.run.columnar.transcript_columns import TranscriptColumns

#: Maximum bytes of an entry that depend on neither its terms nor its transcript: numbers, codons, residues.
ROOM = 200
_BAR, _SLASH, _ONE, _LOWER = ord("|"), ord("/"), ord("1"), 32
_MET_LOST, _UNCHANGED = (array_of(csq_field.escaped(text).encode("ascii")) for text in ("Met1?", "="))
_NAMES = np.zeros((128, 3), np.uint8)
for _letter, _name in THREE_LETTERS.items():
    _NAMES[ord(_letter)] = list(_name.encode("ascii"))
#: The parts of a transcript's text, in this order; see Texts.
PARTS = 4
_HEAD, _PROTEIN, _TAIL, _END = range(PARTS)


class Words(NamedTuple):
    """Constant texts for compiled functions.

    met_lost: the protein change of a lost start codon.
    unchanged: the text after an unchanged residue.
    names: the three letters of each residue.
    opening, closing: the texts around a protein description, after `p.`.
    """

    met_lost: Bytes
    unchanged: Bytes
    names: Bytes
    opening: Bytes
    closing: Bytes


_NONE = np.zeros(0, np.uint8)
WORDS = Words(_MET_LOST, _UNCHANGED, _NAMES, _NONE, _NONE)
#: The texts for protein descriptions in parentheses.
PREDICTED = Words(_MET_LOST, _UNCHANGED, _NAMES, array_of(b"("), array_of(b")"))


class Texts(NamedTuple):
    """Texts of transcripts or of masks of terms: the offset of each text in `letters`, and the end of the last.

    A transcript has PARTS texts: the fields after IMPACT and up to the number of the exon; the text before the
    description of a protein (such as ENSP00000362111:p.); the fields after the codons and up to PICK; and the fields
    after PICK.
    """

    letters: Bytes
    begins: Ints


def texts_of(transcripts: Sequence[Transcript]) -> Texts:
    """Return the texts of transcripts. Call this function once for a contig."""
    parts: list[str] = []
    for one in transcripts:
        identity, protein, direction, selection = csq_field.fields_of(one)
        parts += (f"|{identity}|", f"{protein}p.", f"||{direction}|", f"|{selection}")
    begins = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=begins[1:])
    return Texts(array_of("".join(parts).encode("latin-1")), begins)


class CsqWriter:
    """Writes entries for transcripts of one contig. For one thread only."""

    def __init__(self, transcripts: Sequence[Transcript], columns: TranscriptColumns, words: Words = WORDS) -> None:
        """Prepare the texts of transcripts.

        Args:
            transcripts: transcripts of one contig.
            columns: the same transcripts.
            words: WORDS, or PREDICTED for protein descriptions in parentheses.
        """
        self._columns = columns
        self._words = words
        self._texts = texts_of(transcripts)
        self._sizes = np.add.reduceat(np.diff(self._texts.begins), np.arange(0, PARTS * len(transcripts), PARTS))
        self._masks = np.zeros(0, np.int64)
        self._terms = Texts(*packed([]))

    def write(
        self, alleles: Alleles, pairs: Pairs, effects: SnvEffects, picked: Flags, shown: Flags
    ) -> tuple[Bytes, Ints]:
        """Write the entries of pairs.

        Args:
            alleles: the alleles of a block.
            pairs: pairs of an allele and a transcript.
            effects: the effect of each pair.
            picked: whether PICK is 1, by pair.
            shown: whether an entry is written, by pair.

        Returns:
            The letters; and three offsets into them for each pair, followed by the end of the last pair. The fields
            from Consequence up to INTRON lie between the first two offsets. The third offset equals the second: HGVSc
            belongs there. The fields from HGVSp up to MANE follow it.
        """
        masks = self._mask_numbers(effects)
        sizes = self._sizes[pairs.model] + np.diff(self._terms.begins)[masks] + ROOM
        out = np.empty(int(sizes[shown].sum()), np.uint8)
        begins = np.zeros(3 * len(pairs.allele) + 1, np.int64)
        size = _write(
            alleles, pairs, self._columns, effects, picked, shown, masks, self._terms, self._texts, self._words, CODES,
            out, begins,
        )  # fmt: skip
        return out[:size], begins

    def _mask_numbers(self, effects: SnvEffects) -> Ints:
        """Return the index of each pair's mask among the masks so far, and add new masks."""
        numbers = np.searchsorted(self._masks, effects.mask)
        if (np.append(self._masks, -1)[numbers] != effects.mask).any():
            self._masks = np.union1d(self._masks, effects.mask)
            self._terms = Texts(*packed([_terms_text(int(mask)) for mask in self._masks]))
            numbers = np.searchsorted(self._masks, effects.mask)
        return numbers


def _terms_text(mask: int) -> bytes:
    terms = terms_of(mask)
    return f"{'&'.join(terms)}|{impact_of(terms)}".encode("ascii") if terms else b""


@compiled
def _write(
    alleles: Alleles, pairs: Pairs, columns: TranscriptColumns, effects: SnvEffects, picked: Flags, shown: Flags,
    masks: Ints, terms: Texts, texts: Texts, words: Words, codes: CodonTables, out: Bytes, begins: Ints,
) -> int:  # fmt: skip
    """Write all entries; return the number of bytes written."""
    size = 0
    for pair in range(len(pairs.allele)):
        begins[3 * pair] = begins[3 * pair + 1] = begins[3 * pair + 2] = begins[3 * pair + 3] = size
        if not shown[pair]:
            continue
        model, mask = pairs.model[pair], masks[pair]
        size = put(out, size, terms.letters, terms.begins[mask], terms.begins[mask + 1])
        size = _before(effects, pair, columns, model, texts, out, size)
        begins[3 * pair + 1] = begins[3 * pair + 2] = size
        if effects.protein[pair]:
            size = _part(texts, model, _PROTEIN, out, size)
            size = protein_change(effects, pair, words, out, size)
        alt = alleles.letters[alleles.given[pairs.allele[pair]]]
        size = _positions(effects, pair, codes.complement[alt] if columns.reverse[model] else alt, out, size)
        size = _part(texts, model, _TAIL, out, size)
        if picked[pair]:
            out[size] = _ONE
            size += 1
        size = _part(texts, model, _END, out, size)
        begins[3 * pair + 3] = size
    return size


@compiled
def _before(
    effects: SnvEffects, pair: int, columns: TranscriptColumns, model: int, texts: Texts, out: Bytes, size: int
) -> int:
    """Write the fields after IMPACT and up to INTRON."""
    count = columns.exons[model + 1] - columns.exons[model]
    size = _part(texts, model, _HEAD, out, size)
    size = _of(effects.exon[pair], count, out, size)
    out[size] = _BAR
    return _of(effects.intron[pair], count - 1, out, size + 1)


@compiled
def _positions(effects: SnvEffects, pair: int, alt: int, out: Bytes, size: int) -> int:
    """Write the fields of positions, residues and codons; `alt`: the new base, on the transcript's strand."""
    size = _position(effects.cdna[pair], out, size)
    size = _position(effects.cds[pair], out, size)
    size = _position((effects.cds[pair] + 2) // CODON, out, size)
    out[size] = _BAR
    if effects.residue[pair]:
        return _codons(effects, pair, alt, out, size + 1)
    out[size + 1] = _BAR
    return size + 2


@compiled
def _part(texts: Texts, model: int, part: int, out: Bytes, size: int) -> int:
    """Write a part of a transcript's text."""
    place = PARTS * model + part
    return put(out, size, texts.letters, texts.begins[place], texts.begins[place + 1])


@compiled
def _of(number: int, count: int, out: Bytes, size: int) -> int:
    """Write the number of an exon or intron and their count, such as 3/11; nothing if the number is 0."""
    if not number:
        return size
    size = put_number(out, size, number)
    out[size] = _SLASH
    return put_number(out, size + 1, count)


@compiled
def _position(number: int, out: Bytes, size: int) -> int:
    """Write a field with a position, unless it is 0."""
    out[size] = _BAR
    return put_number(out, size + 1, number) if number else size + 1


@compiled
def protein_change(effects: SnvEffects, pair: int, words: Words, out: Bytes, size: int) -> int:
    """Write the change of a residue: the text after `p.`."""
    size = put(out, size, words.opening, 0, len(words.opening))
    size = _change(effects, pair, words, out, size)
    return put(out, size, words.closing, 0, len(words.closing))


@compiled
def _change(effects: SnvEffects, pair: int, words: Words, out: Bytes, size: int) -> int:
    if effects.protein[pair] == START:
        return put(out, size, words.met_lost, 0, len(words.met_lost))
    size = put(out, size, words.names[effects.residue[pair]], 0, 3)
    size = put_number(out, size, (effects.cds[pair] + 2) // CODON)
    if effects.protein[pair] == SAME:
        return put(out, size, words.unchanged, 0, len(words.unchanged))
    return put(out, size, words.names[effects.changed[pair]], 0, 3)


@compiled
def _codons(effects: SnvEffects, pair: int, alt: int, out: Bytes, size: int) -> int:
    """Write the fields of residues and of codons before and after."""
    out[size] = effects.residue[pair]
    size += 1
    if effects.changed[pair] != effects.residue[pair]:
        out[size] = _SLASH
        out[size + 1] = effects.changed[pair]
        size += 2
    out[size] = _BAR
    size += 1
    changed = (effects.cds[pair] - 1) % CODON
    for step in range(CODON):
        letter = effects.codon[pair, step]
        out[size + step] = letter if step == changed else letter + _LOWER
        out[size + CODON + 1 + step] = alt if step == changed else letter + _LOWER
    out[size + CODON] = _SLASH
    return size + 2 * CODON + 1
