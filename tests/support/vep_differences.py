"""Where the annotator and Ensembl VEP differ on real gene models, who is right, and why.

What VEP says is in tests/annotator/effects/vep, see the README there.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from annotator.effects.allele import Change, shortest
from annotator.effects.consequences import consequences
from annotator.effects.effect import Effect, coding_sequence, effect
from annotator.effects.placing import Placed, place
from annotator.effects.splicing import GAP, hits_splice_site
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import Transcript
from annotator.reference.gff3 import read_gff3
from tests.support import gene_models

FOLDER = Path(__file__).parents[1] / "annotator" / "effects" / "vep"
PACK = Path(__file__).parents[2] / "annotator" / "reference" / "packs" / "rCRS"
RANK = {term: rank for rank, term in enumerate(IMPACT)}
SETS = ("human", "other", "mt")
NEARBY = {"upstream_gene_variant", "downstream_gene_variant", "intergenic_variant"}


@dataclass(frozen=True)
class Pair:
    """An allele and a transcript.

    allele: set, contig, position, REF and ALT.
    change: the allele, shortened.
    transcript: from the gene models.
    ours: what the annotator says; None if it says that the transcript is not touched.
    terms, hgvs_c, hgvs_p: what VEP says.
    """

    allele: tuple[str, str, int, str, str]
    change: Change
    transcript: Transcript
    ours: Effect | None
    terms: tuple[str, ...]
    hgvs_c: str
    hgvs_p: str

    @property
    def worst(self) -> str:
        return min(self.terms, key=RANK.__getitem__)

    @property
    def our_worst(self) -> str:
        return self.ours.terms[0] if self.ours else ""

    @property
    def p(self) -> str:
        """Our description of the protein; "" for none."""
        return self.ours.hgvs_p if self.ours else ""


def references(name: str) -> tuple[dict[str, str], dict[str, list[Transcript]]]:
    if name == "mt":
        bases = gene_models.read_fasta(next(PACK.glob("*.fa")))
        return bases, gene_models.read_transcripts(next(PACK.glob("*.gff3")), genetic_code=2)
    return gene_models.read_fasta(FOLDER / f"{name}.fa.gz"), gene_models.read_transcripts(FOLDER / f"{name}.gff3.gz")


def _bases(sequence: str, start: int, end: int) -> str:
    return sequence[start - 1 : end]


def read(name: str) -> Iterator[Pair]:
    bases, transcripts = references(name)
    by_name = {one.name: one for models in transcripts.values() for one in models}
    for line in gene_models.lines(FOLDER / f"{name}.vep.tsv.gz"):
        contig, pos, ref, alt, _, transcript, terms, _, hgvs_c, hgvs_p = line.split("\t")
        model = by_name.get(transcript.split(".")[0])
        if line.startswith("#") or model is None or set(terms.split(",")) <= NEARBY:
            continue
        change, sequence = shortest(int(pos), ref, alt), bases[contig]
        ours = effect(change, model, partial(_bases, sequence))
        yield Pair((name, contig, int(pos), ref, alt), change, model, ours, tuple(terms.split(",")), hgvs_c, hgvs_p)


@cache
def pairs() -> tuple[Pair, ...]:
    return tuple(pair for name in SETS for pair in read(name))


@dataclass
class Allele:
    """The most severe terms of an allele, also if it touches no transcript.

    differing: the pairs of it whose most severe terms differ.
    """

    key: tuple[str, str, int, str, str]
    ours: str
    theirs: str
    differing: list[Pair]

    @property
    def is_delins(self) -> bool:
        change = shortest(*self.key[2:])
        return bool(change.ref and change.alt) and len(change.ref) != len(change.alt)

    @property
    def is_placed_elsewhere(self) -> bool:
        """Whether VEP differs because it takes an insertion or deletion where the file has it."""
        return all(keeps_splice_site(pair) or keeps_start_or_stop(pair) for pair in self.differing)


def alleles(name: str) -> list[Allele]:
    """Return the alleles of a set."""
    differing: dict[tuple[str, str, int, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs():
        if pair.our_worst != pair.worst:
            differing[pair.allele].append(pair)
    path, code = (next(PACK.glob("*.gff3")), 2) if name == "mt" else (FOLDER / f"{name}.gff3.gz", 1)
    bases = references_of(name)
    with tempfile.NamedTemporaryFile("w", suffix=".gff3") as unpacked:
        unpacked.write("\n".join(gene_models.lines(path)) + "\n")
        unpacked.flush()
        models = read_gff3(Path(unpacked.name), dict.fromkeys(bases, code))
    theirs: dict[tuple[str, str, int, str, str], set[str]] = defaultdict(set)
    for line in gene_models.lines(FOLDER / f"{name}.vep.tsv.gz"):
        if not line.startswith("#"):
            cells = line.split("\t")
            theirs[name, cells[0], int(cells[1]), cells[2], cells[3]].update(cells[6].split(","))
    found = []
    for key, terms in theirs.items():
        contig = key[1]
        ours = consequences(contig, shortest(*key[2:]), models, partial(_bases, bases[contig])).term
        found.append(Allele(key, ours, min(terms, key=RANK.__getitem__), differing[key]))
    return found


def is_moved(pair: Pair) -> bool:
    """Whether an insertion or deletion is taken at another place than the file has it."""
    change, transcript = pair.change, pair.transcript
    written = -change.end if transcript.strand == "-" else change.pos
    return bool(change.ref) != bool(change.alt) and placed(pair).first != written


def placed(pair: Pair) -> Placed:
    sequence = references_of(pair.allele[0])[pair.allele[1]]
    return place(pair.change, pair.transcript, lambda start, end: sequence[start - 1 : end])


def keeps_splice_site(pair: Pair) -> bool:
    """VEP takes the place where the file has the change. Another place for it leaves the splice site whole."""
    sites = {"splice_acceptor_variant", "splice_donor_variant"} & set(pair.terms)
    return bool(sites) and is_moved(pair) and not hits_splice_site(pair.transcript, placed(pair).span)


def keeps_start_or_stop(pair: Pair) -> bool:
    """Likewise for the start codon and the stop codon."""
    codons = {"start_lost", "start_retained_variant", "stop_retained_variant", "frameshift_variant"}
    return bool(codons & set(pair.terms)) and is_moved(pair)


def holds_a_stop(pair: Pair) -> bool:
    """VEP says so of every insertion whose new codons end with a stop, frame shifts and early stops included."""
    return {"inframe_insertion", "stop_retained_variant"} <= set(pair.terms)


def is_mitochondrial(pair: Pair) -> bool:
    """VEP reads frame shifts with the standard code, and knows no start codon but ATG and no completed stop codon."""
    return pair.allele[0] == "mt"


def is_at_the_end_of_the_coding_sequence(pair: Pair) -> bool:
    """VEP leaves open what becomes of the codon. Spliced and translated, it is known."""
    untranslated = {"3_prime_UTR_variant", "5_prime_UTR_variant"} & set(pair.terms)
    return "coding_sequence_variant" in pair.terms and bool(untranslated)


def is_at_the_end_of_an_incomplete_transcript(pair: Pair) -> bool:
    """The model ends within a codon, or the insertion stands after the transcript's last base."""
    return "incomplete_terminal_codon_variant" in {*pair.terms, pair.our_worst} or not pair.our_worst


def is_delins_at_a_splice_site(pair: Pair) -> bool:
    """VEP aligns REF and ALT at their left ends only, and counts bases of a longer ALT as places after REF.

    Of the parts that differ it keeps splice_region_variant for the last one alone.
    """
    change = pair.change
    is_delins = change.ref and change.alt and len(change.ref) != len(change.alt)
    return bool(is_delins) and bool({"splice", "intron"} & words(pair))


def keeps_the_stop_codon(pair: Pair) -> bool:
    """VEP says what happens to the codons. Translated, the protein ends where it ended, or with a later stop.

    VEP takes a stop that comes after the old one for one that is gained, and one that is read from other bases for one
    that is retained.
    """
    ours = pair.ours.terms if pair.ours else ()
    return bool({"stop_retained_variant", "stop_lost"} & {*ours, *pair.terms})


def has_a_gap(pair: Pair) -> bool:
    """Two exons are a base or two apart, so that the reading frame goes on: there is no room for splice sites.

    VEP looks for splice sites there all the same, and leaves out the polypyrimidine tracts of the whole transcript.
    """
    return any(end - start < GAP for start, end in pair.transcript.introns) and bool({"splice", "coding"} & words(pair))


def has_no_start_codon(pair: Pair) -> bool:
    """The model's first codon is none of the genetic code's start codons, so that none can be lost.

    VEP says start_lost of a changed residue there all the same; the annotator reads the codon as any other one.
    """
    bases = references_of(pair.allele[0])[pair.allele[1]]
    sequence = coding_sequence(pair.transcript, lambda start, end: bases[start - 1 : end])
    return pair.worst == "start_lost" and not sequence.has_start


def replaces_several_bases(pair: Pair) -> bool:
    """Of several bases that differ, VEP keeps splice_region_variant for the last ones alone, and misses a stop."""
    return len(pair.change.ref) > 1 and bool(pair.change.alt)


CLASSES = (
    keeps_splice_site,
    keeps_start_or_stop,
    holds_a_stop,
    is_mitochondrial,
    is_at_the_end_of_the_coding_sequence,
    is_at_the_end_of_an_incomplete_transcript,
    is_delins_at_a_splice_site,
    has_a_gap,
    keeps_the_stop_codon,
    has_no_start_codon,
    replaces_several_bases,
)


def class_of(pair: Pair) -> str:
    """Return the first class that a difference belongs to; "" if there is none."""
    return next((one.__name__ for one in CLASSES if one(pair)), "")


def words(pair: Pair) -> set[str]:
    return {term.split("_")[0] for term in (pair.worst, pair.our_worst) if term}


@cache
def references_of(name: str) -> dict[str, str]:
    return references(name)[0]


def reads_the_wrong_3_prime_utr(pair: Pair) -> bool:
    """On the reverse strand VEP reads on in other bases than the 3' UTR's."""
    return pair.transcript.strand == "-" and "Ter" in pair.p and "Ter" in pair.hgvs_p and not pair.p.endswith("Ter")


def loses_the_start_codon(pair: Pair) -> bool:
    """VEP writes p.Met1_?3 or p.Phe2?. HGVS: p.Met1?, and only if the start codon is lost."""
    return bool(re.fullmatch(r"p\.[A-Za-z]+\d+(_?\?\d*)", pair.hgvs_p))


def has_a_stop_at_once(pair: Pair) -> bool:
    """VEP says insTer and delinsTer. HGVS: a stop in the place of a residue is a substitution, such as p.Gln5Ter."""
    return pair.p.endswith("Ter") and pair.hgvs_p.endswith("insTer")


def reads_through_the_stop(pair: Pair) -> bool:
    """VEP says fs, delext or delins of a change in the stop codon, and leaves out the residues that come after it.

    HGVS: ext, with the number of the new stop; fs if residues in front of the stop codon change as well.
    """
    return bool(re.search(r"extTer|fsTer", pair.p)) and bool(re.search(r"Ter", pair.hgvs_p))


def is_another_spelling(pair: Pair) -> bool:
    """VEP says delinsTer of a stop that stays, ins of a residue that is repeated, and IleArg3 of two residues."""
    return pair.p.endswith("=") or pair.p.endswith("dup")


PROTEIN_CLASSES = (
    is_mitochondrial,
    loses_the_start_codon,
    has_a_stop_at_once,
    reads_the_wrong_3_prime_utr,
    reads_through_the_stop,
    is_another_spelling,
)


def protein_class_of(pair: Pair) -> str:
    """Return the first class that a difference in HGVS p. belongs to; "" if there is none."""
    return next((one.__name__ for one in PROTEIN_CLASSES if one(pair)), "")
