"""Genetic codes: the residue of each codon, and the codons that start a protein.

Source: NCBI's tables, https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi. Of the standard code's start codons
only ATG is used here: a change to CTG or TTG does not keep a start codon, and the first codon of an annotated coding
sequence of code 1 that begins otherwise is read as any other codon.
"""

from functools import cache
from itertools import product

BASES = "TCAG"
#: Amino acids in NCBI's order of codons (TTT, TTC, TTA, TTG, TCT ...), by NCBI number of the genetic code.
#: https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
CODES = {
    1: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    2: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",  # vertebrate mitochondria
    3: "FFLLSSSSYY**CCWWTTTTPPPPHHQQRRRRIIMMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # yeast mitochondria
    4: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # moulds', protozoa's mitochondria
    5: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSSSSVVVVAAAADDEEGGGG",  # invertebrate mitochondria
    6: "FFLLSSSSYYQQCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # ciliates
    9: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNNKSSSSVVVVAAAADDEEGGGG",  # echinoderms', flatworms' mitochondria
    10: "FFLLSSSSYY**CCCWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # Euplotes
    11: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # bacteria, plastids
    12: "FFLLSSSSYY**CC*WLLLSPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",  # Candida
    13: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSSGGVVVVAAAADDEEGGGG",  # tunicates' mitochondria
    14: "FFLLSSSSYYY*CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNNKSSSSVVVVAAAADDEEGGGG",  # some flatworms' mitochondria
}

_STANDARD_STARTS = frozenset({"ATG"})
#: The start codons of codes whose proteins often begin with another codon than ATG.
_STARTS = {
    2: frozenset({"ATG", "ATA", "ATT", "ATC", "GTG"}),
    3: frozenset({"ATG", "ATA", "GTG"}),
    4: frozenset({"ATG", "ATA", "ATT", "ATC", "GTG", "CTG", "TTG", "TTA"}),
    5: frozenset({"ATG", "ATA", "ATT", "ATC", "GTG", "TTG"}),
    9: frozenset({"ATG", "GTG"}),
    11: frozenset({"ATG", "ATA", "ATT", "ATC", "GTG", "CTG", "TTG"}),
    13: frozenset({"ATG", "ATA", "GTG", "TTG"}),
}
STANDARD = 1
UNKNOWN, STOP, SELENOCYSTEINE = "X", "*", "U"


@cache
def residues(code: int) -> dict[str, str]:
    """Return {codon: one-letter residue} of an NCBI genetic code, with "*" for a stop."""
    return dict(zip(map("".join, product(BASES, repeat=3)), CODES[code], strict=True))


def starts(code: int) -> frozenset[str]:
    """Return the codons that start a protein in an NCBI genetic code."""
    return _STARTS.get(code, _STANDARD_STARTS)


def translate(bases: str, code: int) -> str:
    """Translate the whole codons of `bases`, stops included; a codon with an unknown base gives "X"."""
    table = residues(code)
    return "".join([table.get(bases[at : at + 3], UNKNOWN) for at in range(0, len(bases) - len(bases) % 3, 3)])
