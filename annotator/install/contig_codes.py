"""Which genetic code each contig is read with, and whether that can be true."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from annotator.effects.effect import coding_sequence
from annotator.effects.genetic_codes import CODES
from annotator.effects.transcript import Transcript
from annotator.formats.fasta import Sequence as Bases
from annotator.install.errors import InstallError
from annotator.install.names import MITOCHONDRIA

STANDARD = 1
VERTEBRATE_MITOCHONDRIA = 2
#: Mitochondria of the species other than vertebrates that ensembl.org has.
#: https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
OTHER_MITOCHONDRIA = {
    "caenorhabditis_elegans": 5,
    "drosophila_melanogaster": 5,
    "saccharomyces_cerevisiae": 3,
    "ciona_intestinalis": 13,
    "ciona_savignyi": 13,
}
LOOKED_AT = 400  # transcripts of a contig
#: Transcripts of a contig that are evidence. Where the standard code is assumed, a small scaffold may well
#: have only faulty models; where another one is, every gene must read.
FEWEST = 20
REFUSED_SHARE = 0.25  # of them with a stop inside: selenocysteine and faulty models make far fewer


def code_of(contig: str, mitochondrial: bool, species: str, chosen: Mapping[str, int]) -> int:
    """The genetic code of a contig: as chosen, else by what it is. mitochondrial: it has the genes of one."""
    if contig in chosen:
        return chosen[contig]
    if contig in MITOCHONDRIA or mitochondrial:
        return OTHER_MITOCHONDRIA.get(species, VERTEBRATE_MITOCHONDRIA)
    return STANDARD


def check_code(contig: str, transcripts: Sequence[Transcript], bases: Bases, code: int) -> None:
    """Translate coding sequences of a contig.

    A wrong genetic code, genes of another build and phases that are off come out here, not in somebody's results.

    Raises:
        InstallError: They do not read as proteins.
    """
    coding = [one for one in transcripts if one.coding is not None and one.is_consistent]
    step = max(1, len(coding) // LOOKED_AT)
    looked, broken = 0, 0
    for transcript in coding[::step]:
        looked += 1
        protein = coding_sequence(replace(transcript, genetic_code=code), partial(bases.fetch, contig)).protein
        broken += "*" in protein[:-1] or "U" in protein[:-1]
    if broken > REFUSED_SHARE * looked and (looked >= FEWEST or code != STANDARD or contig in MITOCHONDRIA):
        raise InstallError(
            "wrong-code",
            f"{broken} of {looked} proteins of contig {contig} have a stop inside when read with genetic code {code}: "
            f"genes and genome do not belong together, or the code is another (--genetic-code {contig}=N).",
        )


def check_known(codes: Mapping[str, int]) -> None:
    """Raise InstallError unless proteins can be read with each of the genetic codes, which are given by contig."""
    for contig, code in codes.items():
        if code not in CODES:
            raise InstallError("unknown-code", f"There is no genetic code {code} here (for {contig}).")
