"""Choose the genetic code of each contig, and check that its coding sequences translate with it."""

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
#: Genetic codes of the mitochondria of non-vertebrates on ensembl.org.
#: https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
OTHER_MITOCHONDRIA = {
    "caenorhabditis_elegans": 5,
    "drosophila_melanogaster": 5,
    "saccharomyces_cerevisiae": 3,
    "ciona_intestinalis": 13,
    "ciona_savignyi": 13,
}
LOOKED_AT = 400  # maximum number of transcripts of a contig to check
#: Minimum number of transcripts that count as evidence. With the assumed standard code, a small scaffold may well have
#: only faulty models. With any other code, every gene must translate.
FEWEST = 20
REFUSED_SHARE = 0.25  # maximum share with an internal stop: selenocysteine and faulty models cause far fewer


def code_of(contig: str, mitochondrial: bool, species: str, chosen: Mapping[str, int]) -> int:
    """Return the genetic code of a contig: the chosen one, else by its kind. mitochondrial: has mitochondrial genes."""
    if contig in chosen:
        return chosen[contig]
    if contig in MITOCHONDRIA or mitochondrial:
        return OTHER_MITOCHONDRIA.get(species, VERTEBRATE_MITOCHONDRIA)
    return STANDARD


def check_code(contig: str, transcripts: Sequence[Transcript], bases: Bases, code: int) -> None:
    """Translate coding sequences of a contig, to check its genetic code.

    The check finds a wrong genetic code, genes of another build, and wrong phases before they reach results.

    Raises:
        InstallError: the coding sequences do not translate to proteins.
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
    """Raise InstallError if a genetic code, given by contig, is not supported."""
    for contig, code in codes.items():
        if code not in CODES:
            raise InstallError("unknown-code", f"There is no genetic code {code} here (for {contig}).")
