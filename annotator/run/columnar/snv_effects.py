"""Effects of SNVs on transcripts, in columns. The result for each allele and transcript is that of `effects.effect`.

Only the codon that an allele changes is spliced and translated. Its bases are in the block's window, or are fetched if
the codon continues in another exon. A stop codon that is lost, or completed by polyadenylation, is left to
`effects.effect`, as are all alleles other than SNVs.
"""

from typing import NamedTuple

import numpy as np

from annotator.run.columnar import alleles as forms
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.codons import CODES, CodonTables
from annotator.run.columnar.compiled import Bytes, Flags, Ints, array_of, compiled
from annotator.run.columnar.splice_sites import splicing
from annotator.run.columnar.term_masks import TERMS, Terms
from annotator.run.columnar.transcript_columns import TranscriptColumns, exon_of
from annotator.run.columnar.window import Fetch, Window

#: Missing bases that are no further apart than this are fetched together.
TOGETHER = 64
STOP, SELENOCYSTEINE, UNKNOWN, MET, N = (ord(letter) for letter in "*UXMN")
CODON = 3
#: The form of a protein description: none, p.Met1?, p.Lys5=, p.Lys5Arg.
NOTHING, START, SAME, SUBSTITUTED = range(4)


class Pairs(NamedTuple):
    """Pairs of an allele and a transcript: their indices in Alleles and in TranscriptColumns."""

    allele: Ints
    model: Ints


class SnvEffects(NamedTuple):
    """Effects, one per pair.

    left: whether the effect is left to `effects.effect`.
    mask: the terms, see Terms.
    exon, intron: numbers from 1; 0 for none.
    cdna, cds: positions from 1; 0 for none. The protein position is (cds + 2) // 3.
    codon: the letters of the codon before the change, on the transcript's strand; 0 for none.
    residue, changed: the residue before and after the change; 0 if no codon is shown.
    protein: the form of the protein description, such as SUBSTITUTED.
    """

    left: Flags
    mask: Ints
    exon: Ints
    intron: Ints
    cdna: Ints
    cds: Ints
    codon: Bytes
    residue: Bytes
    changed: Bytes
    protein: Bytes

    def part(self, chosen: Flags) -> "SnvEffects":
        """Return the effects of some of the pairs."""
        return SnvEffects(*(column[chosen] for column in self))  # type: ignore[arg-type]


def snv_effects(
    alleles: Alleles, pairs: Pairs, columns: TranscriptColumns, window: Window, pos: Ints, fetch: Fetch
) -> SnvEffects:
    """Return the effects of pairs.

    Args:
        alleles: the alleles of a block.
        pairs: the pairs, in any order.
        columns: the transcripts of the block's contig.
        window: the bases around the block's lines.
        pos: POS of each line.
        fetch: returns the contig's bases.
    """
    count = len(pairs.allele)
    mask, exon, intron, cdna, cds = (np.zeros(count, np.int64) for _ in range(5))
    residue, changed, protein = (np.zeros(count, np.uint8) for _ in range(3))
    codon, left = np.zeros((count, CODON), np.uint8), np.ones(count, np.bool_)
    found = SnvEffects(left, mask, exon, intron, cdna, cds, codon, residue, changed, protein)
    missing = np.zeros((count, CODON), np.int64)
    _locate(alleles, pairs, columns, window, pos, CODES, TERMS, found, missing)
    elsewhere = np.flatnonzero(missing)
    if len(elsewhere):
        bases = _bases(missing.ravel()[elsewhere], fetch)
        reverse = columns.reverse[pairs.model[elsewhere // CODON]]
        found.codon.ravel()[elsewhere] = np.where(reverse, CODES.complement[bases], bases)
    _translate(alleles, pairs, columns, CODES, TERMS, found)
    return found


def _bases(positions: Ints, fetch: Fetch) -> Bytes:
    """Return the bases at some positions."""
    distinct, numbers = np.unique(positions, return_inverse=True)
    letters = np.empty(len(distinct), np.uint8)
    for part in np.split(np.arange(len(distinct)), np.flatnonzero(np.diff(distinct) > TOGETHER) + 1):
        first, last = int(distinct[part[0]]), int(distinct[part[-1]])
        text = fetch(first, last).ljust(last - first + 1, "N")
        letters[part] = array_of(text.encode("ascii"))[distinct[part] - first]
    return letters[numbers]


@compiled
def _locate(
    alleles: Alleles, pairs: Pairs, columns: TranscriptColumns, window: Window, pos: Ints, codes: CodonTables,
    terms: Terms, found: SnvEffects, missing: Ints,
) -> None:  # fmt: skip
    """Locate pairs, and read the codons of coding ones. `missing` gets the positions of bases outside the window."""
    for pair in range(len(pairs.allele)):
        one, model = pairs.allele[pair], pairs.model[pair]
        low, high = columns.exons[model], columns.exons[model + 1]
        place = -alleles.start[one] if columns.reverse[model] else alleles.start[one]
        touches = columns.begin[low] <= place <= columns.end[high - 1]
        if alleles.kind[one] != forms.SNV or not columns.is_consistent[model] or not touches:
            continue
        found.left[pair] = False
        exon = exon_of(columns.begin, low, high, place)
        found.mask[pair] = splicing(columns, low, high, exon, place, columns.start[model] >= 0, terms)
        if columns.start[model] >= 0 and columns.decays[model]:
            found.mask[pair] |= terms.nmd_transcript
        if place > columns.end[exon]:
            found.intron[pair] = exon - low + 1
            if columns.start[model] < 0:
                found.mask[pair] |= terms.non_coding_transcript
            continue
        offset = columns.before[exon] + place - columns.begin[exon]
        found.exon[pair], found.cdna[pair] = exon - low + 1, offset + 1
        outside = _untranslated(columns, model, place, offset, terms)
        if outside:
            found.mask[pair] |= outside
            continue
        coded = offset - columns.start[model] + columns.pad[model]
        found.cds[pair] = coded + 1
        first, line = offset - coded % CODON, alleles.line[one]
        if first + CODON <= columns.stop[model]:
            moved = window.at[line] - pos[line]
            _read(columns, model, exon, first, window, line, moved, codes, found.codon[pair], missing[pair])
        elif columns.completes[model] or columns.stop[model] - columns.start[model] < CODON:
            found.left[pair] = True
        else:
            found.mask[pair] |= terms.incomplete_terminal_codon | terms.coding_sequence


@compiled
def _untranslated(columns: TranscriptColumns, model: int, place: int, offset: int, terms: Terms) -> int:
    """Return the term of a spliced base that does not code; 0 for one that does."""
    if columns.start[model] < 0:
        for mature in range(columns.matures[model], columns.matures[model + 1]):
            if columns.mature_begin[mature] <= place <= columns.mature_end[mature]:
                return terms.mature_mirna
        return terms.non_coding_exon
    if offset < columns.start[model]:
        return terms.utr_5_prime
    return terms.utr_3_prime if offset >= columns.stop[model] else 0


@compiled
def _read(
    columns: TranscriptColumns, model: int, exon: int, first: int, window: Window, line: int, moved: int,
    codes: CodonTables, codon: Bytes, missing: Ints,
) -> None:  # fmt: skip
    """Read a codon that has a base in an exon, from a spliced base on.

    `moved` is the offset of a base in the window minus its position on the contig.
    """
    for step in range(CODON):
        base = first + step
        if base < columns.start[model]:
            codon[step] = N
            continue
        at = exon
        while base < columns.before[at]:
            at -= 1
        while at + 1 < columns.exons[model + 1] and base >= columns.before[at + 1]:
            at += 1
        position = abs(columns.begin[at] + base - columns.before[at])
        if window.low[line] <= position + moved < window.high[line]:
            letter = window.bases[position + moved]
            codon[step] = codes.complement[letter] if columns.reverse[model] else letter
        else:
            missing[step] = position


@compiled
def _translate(
    alleles: Alleles, pairs: Pairs, columns: TranscriptColumns, codes: CodonTables, terms: Terms, found: SnvEffects
) -> None:
    """Translate the codons that were read, see `effects.coding`."""
    for pair in range(len(pairs.allele)):
        if not found.codon[pair, 0]:
            continue
        model = pairs.model[pair]
        alt = alleles.letters[alleles.given[pairs.allele[pair]]]
        if columns.reverse[model]:
            alt = codes.complement[alt]
        codon, step = (found.cds[pair] - 1) // CODON, (found.cds[pair] - 1) % CODON
        old, new = _number(found.codon[pair], -1, alt, codes), _number(found.codon[pair], step, alt, codes)
        code = columns.code[model]
        begins = codon == 0 and columns.has_start[model] and old >= 0 and codes.starts[code, old]
        if begins and (new < 0 or not codes.starts[code, new]):
            found.mask[pair] |= terms.start_lost
            if new >= 0 and codes.residues[code, new] == STOP:
                found.mask[pair] |= terms.stop_gained
            found.protein[pair] = START
            continue
        size = columns.stop[model] - columns.start[model] + columns.pad[model]
        is_last = codon + 1 == size // CODON
        before = MET if begins else UNKNOWN if old < 0 else codes.residues[code, old]
        if before == STOP and old == codes.tga and not is_last:
            before = SELENOCYSTEINE
        after = MET if begins else UNKNOWN if new < 0 else codes.residues[code, new]
        ends = is_last and size % CODON == 0 and before == STOP
        if (is_last and columns.completes[model]) or (ends and after not in (STOP, UNKNOWN)):
            found.left[pair] = True
            continue
        found.residue[pair], found.changed[pair] = before, after
        found.mask[pair] |= _term(before, after, begins, ends, terms)
        if UNKNOWN not in (before, after):
            found.protein[pair] = SAME if before == after else SUBSTITUTED


@compiled
def _number(codon: Bytes, step: int, alt: int, codes: CodonTables) -> int:
    """Return the number of a codon whose base at `step` is replaced, none for step -1; -1 if a base is unknown."""
    number = 0
    for at in range(CODON):
        base = codes.base[alt if at == step else codon[at]]
        if base < 0:
            return -1
        number = 4 * number + base
    return number


@compiled
def _term(before: int, after: int, begins: bool, ends: bool, terms: Terms) -> int:
    """Return the term of a changed residue; `begins`: the first of the protein; `ends`: its stop codon."""
    if UNKNOWN in (before, after):
        return terms.coding_sequence
    if before != after:
        return terms.stop_gained if after == STOP else terms.missense
    return terms.stop_retained if ends else terms.start_retained if begins else terms.synonymous
