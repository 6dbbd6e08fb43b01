"""Count genotypes in files with many samples, which have too many cells for a column each.

`genotypes.zygosity` defines the counts. Cells with one or two single-digit alleles are counted together, all others one
by one.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from annotator.tables.alleles import ALLELE, ROW
from annotator.tables.genotypes import CALLED, HET, HOM, zygosity

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
_TAB, _NEWLINE, _COLON, _DOT, _ZERO = (ord(letter) for letter in "\t\n:.0")
_SCHEMA = {ROW: pl.UInt32, ALLELE: pl.Int64, HET: pl.Int64, HOM: pl.Int64, CALLED: pl.Int64}


def count(block: bytes, samples: int) -> pl.DataFrame:
    """Return ROW, ALLELE (from 0), HET, HOM and CALLED of each ALT allele of a block of lines.

    Args:
        block: whole lines without CR at their ends.
        samples: the number of samples in each line.
    """
    found = [one for line in _regular(block, samples) for one in line]
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def _regular(block: bytes, samples: int) -> Iterator[list[tuple[int, int, int, int, int]]]:
    lines = block.count(b"\n") + (not block.endswith(b"\n") and bool(block))
    data = np.frombuffer(block + b"\n\0\0\0\0", np.uint8)
    tabs = np.flatnonzero(data == _TAB)
    ends = np.flatnonzero(data == _NEWLINE)[:lines]
    width = 8 + samples
    placed = tabs.reshape(lines, width) if len(tabs) == lines * width else None
    if placed is None or (placed[:, -1] > ends).any() or (placed[1:, 0] < ends[:-1]).any():
        yield from ([*_alone(row, line)] for row, line in enumerate(block.split(b"\n")[:lines]))
        return
    formats = placed[:, 7] + 1
    starts = placed[:, 8:] + 1
    firsts = [data[formats + step] for step in range(3)]
    has_genotypes = (firsts[0] == ord("G")) & (firsts[1] == ord("T")) & np.isin(firsts[2], (_TAB, _COLON))
    alts = [block[line[3] + 1 : line[4]] for line in placed]
    numbers = np.array([0 if alt == b"." else alt.count(b",") + 1 for alt in alts])
    first, second, is_odd = _alleles(data, starts)
    for row in range(lines):
        if not has_genotypes[row]:  # GT may be at another place in FORMAT
            yield [*_alone(row, block[int(ends[row - 1]) + 1 if row else 0 : int(ends[row])])]
            continue
        odd = [_genotype(block, int(starts[row, cell])) for cell in np.flatnonzero(is_odd[row])]
        yield [
            (row, number - 1, *_of_allele(first[row], second[row], is_odd[row], odd, number))
            for number in range(1, int(numbers[row]) + 1)
        ]


def _alleles(data: Bytes, starts: Ints) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Return both alleles of each cell, and which cells must be counted one by one.

    A missing allele is -1. In a haploid cell, both alleles are the same.
    """
    letters = [data[starts + step] for step in range(4)]

    def allele(letter: Bytes) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
        digit = (letter >= _ZERO) & (letter <= ord("9"))
        return np.where(digit, letter - _ZERO, 255).astype(np.int8), digit | (letter == _DOT)

    def is_end(letter: Bytes) -> npt.NDArray[np.bool_]:
        return np.isin(letter, (_TAB, _COLON, _NEWLINE))

    first, sound = allele(letters[0])
    second, also = allele(letters[2])
    haploid = sound & is_end(letters[1])
    parted = (letters[1] == ord("/")) | (letters[1] == ord("|"))
    diploid = sound & parted & also & is_end(letters[3])
    return first, np.where(haploid, first, second), ~(haploid | diploid)


def _of_allele(
    first: npt.NDArray[np.int8],
    second: npt.NDArray[np.int8],
    is_odd: npt.NDArray[np.bool_],
    odd: list[str],
    number: int,
) -> tuple[int, int, int]:
    """Return HET, HOM and CALLED."""
    one, other = first == number, second == number
    plain = ~is_odd
    has = (one | other) & plain
    hom = int((one & other & plain).sum())
    het = int(has.sum()) - hom
    called = int((((first >= 0) & (second >= 0) & plain) | has).sum())
    kinds = [zygosity(text, number) for text in odd]
    return het + kinds.count("het"), hom + kinds.count("hom"), called + len(kinds) - kinds.count(None)


def _genotype(block: bytes, start: int) -> str:
    end = start
    while end < len(block) and block[end] not in b"\t\n:":
        end += 1
    return block[start:end].decode("latin-1")


def _alone(row: int, line: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Count the cells of a line one by one."""
    columns = line.decode("latin-1").split("\t")
    format_ = columns[8].split(":") if len(columns) > 8 else []
    place = format_.index("GT") if "GT" in format_ else None
    cells = [cell.split(":") for cell in columns[9:]] if place is not None else []
    texts = [cell[place] for cell in cells if place is not None and place < len(cell)]
    for number in range(1, 0 if columns[4] == "." else columns[4].count(",") + 2):
        kinds = [zygosity(text, number) for text in texts]
        yield row, number - 1, kinds.count("het"), kinds.count("hom"), len(kinds) - kinds.count(None)
