"""Which genetic code each contig is read with, and whether that can be true."""

from collections.abc import Mapping, Sequence

from annotator.install.errors import InstallError
from annotator.install.genes import coding_transcript
from annotator.install.names import MITOCHONDRIA
from annotator.sequence import Sequence as Bases
from annotator.translate import CODES, protein

STANDARD = 1
VERTEBRATE_MITOCHONDRIA = 2
#: Mitochondria of the species beside vertebrates that ensembl.org has.
#: https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
OTHER_MITOCHONDRIA = {
    "caenorhabditis_elegans": 5,
    "drosophila_melanogaster": 5,
    "saccharomyces_cerevisiae": 3,
    "ciona_intestinalis": 13,
    "ciona_savignyi": 13,
}
LOOKED_AT = 400  # transcripts of a contig
#: Transcripts of a contig that are evidence. Where the standard code is taken for granted, a small scaffold may well
#: have nothing but faulty models; where another one is, every gene must read.
FEWEST = 20
REFUSED_SHARE = 0.25  # of them with a stop inside: selenocysteine and faulty models make far fewer


def code_of(contig: str, mitochondrial: bool, species: str, chosen: Mapping[str, int]) -> int:
    """The genetic code of a contig: as chosen, else by what it is. mitochondrial: it has the genes of one."""
    if contig in chosen:
        return chosen[contig]
    if contig in MITOCHONDRIA or mitochondrial:
        return OTHER_MITOCHONDRIA.get(species, VERTEBRATE_MITOCHONDRIA)
    return STANDARD


def check_code(
    contig: str,
    transcripts: Mapping[str, Sequence[tuple[int, int, int]]],
    strands: Mapping[str, str],
    bases: Bases,
    code: int,
) -> None:
    """Translate coding sequences of a contig; raise InstallError where they do not read as proteins.

    So a wrong genetic code, genes of another build and phases that are off come out here, not in somebody's results.
    transcripts: the coding segments of each, as (start, end, phase).
    """
    step = max(1, len(transcripts) // LOOKED_AT)
    looked, broken = 0, 0
    for name in list(transcripts)[::step]:
        coding = coding_transcript(name, contig, strands[name], transcripts[name])
        looked += 1
        broken += "*" in protein(coding, bases, code)[:-1]
    if broken > REFUSED_SHARE * looked and (looked >= FEWEST or code != STANDARD or contig in MITOCHONDRIA):
        raise InstallError(
            "wrong-code",
            f"{broken} of {looked} proteins of contig {contig} have a stop inside when read with genetic code {code}: "
            f"genes and genome do not belong together, or the code is another (--genetic-code {contig}=N).",
        )


def known_code(code: int) -> bool:
    """Whether proteins can be read with it here."""
    return code in CODES
