"""Genetic codes as arrays, for compiled functions."""

from functools import cache
from typing import NamedTuple

import numpy as np

from annotator.effects import genetic_codes
from annotator.effects.genetic_codes import BASES
from annotator.effects.genetic_codes import CODES as _RESIDUES
from annotator.formats.fasta import reverse_complement
from annotator.run.columnar.compiled import Bytes, Flags, Ints


class CodonTables(NamedTuple):
    """Tables of codons, which are numbered from 0 in NCBI's order: TTT, TTC, TTA, TTG, TCT ...

    residues: the one-letter residue of each codon, by genetic code.
    starts: whether a codon starts a protein, by genetic code.
    base: the number of each base, by letter; -1 for other letters.
    complement: the complement of each letter.
    tga: the number of TGA.
    """

    residues: Bytes
    starts: Flags
    base: Ints
    complement: Bytes
    tga: int


@cache
def code_numbers() -> dict[int, int]:
    """Return {NCBI's number of a genetic code: its number in CODES}."""
    return {code: number for number, code in enumerate(_RESIDUES)}


def _tables() -> CodonTables:
    base = np.full(256, -1, np.int64)
    base[list(BASES.encode())] = range(len(BASES))
    complement = np.array([ord(reverse_complement(chr(letter))) for letter in range(128)] + [ord("N")] * 128, np.uint8)
    rows, starts = [], []
    for code in _RESIDUES:
        table = genetic_codes.residues(code)
        rows.append([ord(residue) for residue in table.values()])
        starts.append([codon in genetic_codes.starts(code) for codon in table])
    return CodonTables(np.array(rows, np.uint8), np.array(starts, np.bool_), base, complement, list(table).index("TGA"))


CODES = _tables()
