"""Proteins of a reference: its coding sequences translated with the genetic code that its manifest names."""

from functools import lru_cache
from itertools import product

from annotator.features import Transcript
from annotator.sequence import Sequence, reverse_complement

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


def coding_bases(transcript: Transcript, sequence: Sequence) -> str:
    """Return a transcript's coding bases in its own direction, from its first whole codon on."""
    bases = "".join(sequence.fetch(transcript.contig, start, end) for start, end in transcript.segments)
    return (reverse_complement(bases) if transcript.strand == "-" else bases)[transcript.phase :]


def protein(transcript: Transcript, sequence: Sequence, genetic_code: int) -> str:
    """Return the protein in one-letter codes, "*" for a stop and "X" where a base is unknown.

    A stop codon of one or two bases is completed with A, as polyadenylation does. The first amino acid is written
    as the codon says: MT-ND2 starts with ATT, an isoleucine codon that initiates with methionine.
    """
    bases = coding_bases(transcript, sequence)
    bases += "A" * (-len(bases) % 3)
    amino_acids = _amino_acids(CODES[genetic_code])
    return "".join([amino_acids.get(bases[at : at + 3], "X") for at in range(0, len(bases), 3)])


@lru_cache
def _amino_acids(table: str) -> dict[str, str]:
    codons = ("".join(bases) for bases in product(BASES, repeat=3))
    return dict(zip(codons, table, strict=True))
