"""Effects on real gene models, next to what Ensembl VEP says of them: see vep/README.md.

Every difference in the most severe term of a transcript belongs to a class below, with who is right and why.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from annotator.effects.allele import Change, shortest
from annotator.effects.effect import Effect, coding_sequence, effect
from annotator.effects.placing import Placed, place
from annotator.effects.splicing import GAP, hits_splice_site
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import Transcript
from tests.support import gene_models

FOLDER = Path(__file__).parent / "vep"
PACK = Path(__file__).parents[3] / "annotator" / "reference" / "packs" / "rCRS"
RANK = {term: rank for rank, term in enumerate(IMPACT)}
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
    return tuple(pair for name in ("human", "other", "mt") for pair in read(name))


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
    """VEP looks for the parts of a delins that change. The annotator takes all that the file replaces."""
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


def is_at_the_edge_of_the_polypyrimidine_tract(pair: Pair) -> bool:
    """VEP counts an insertion, or an indel in a repeat, by another base of the tract (bases 3 to 17 before an exon)."""
    change = pair.change
    words = {"splice_polypyrimidine_tract_variant", "intron_variant"}
    return {pair.worst, pair.our_worst} == words and bool(change.ref) != bool(change.alt)


def replaces_several_bases(pair: Pair) -> bool:
    """Of several bases that are replaced, VEP takes those that differ, one by one, and misses some of them."""
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
    is_at_the_edge_of_the_polypyrimidine_tract,
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


def test_the_most_severe_term_of_each_transcript_is_that_of_vep() -> None:
    different = [pair for pair in pairs() if pair.our_worst != pair.worst]
    classes = Counter(map(class_of, different))

    assert len(pairs()) > 70_000
    assert len(different) / len(pairs()) < 0.01
    assert not classes[""], [pair for pair in different if not class_of(pair)][:20]


def test_most_alleles_have_the_most_severe_term_of_vep() -> None:
    ours: dict[tuple[str, str, int, str, str], set[str]] = {}
    theirs: dict[tuple[str, str, int, str, str], set[str]] = {}
    explained = set()
    for pair in pairs():
        ours.setdefault(pair.allele, set()).update(pair.ours.terms if pair.ours else ())
        theirs.setdefault(pair.allele, set()).update(pair.terms)
        if pair.our_worst != pair.worst and class_of(pair):
            explained.add(pair.allele)
    same = {
        allele
        for allele, terms in theirs.items()
        if ours[allele] and min(ours[allele], key=RANK.__getitem__) == min(terms, key=RANK.__getitem__)
    }

    assert len(same) / len(theirs) > 0.98
    assert len(same | explained) / len(theirs) > 0.997


def test_descriptions_on_the_transcript_are_those_of_vep() -> None:
    both = [pair for pair in pairs() if pair.ours and pair.ours.hgvs_c and pair.hgvs_c]
    different = [pair for pair in both if pair.ours and pair.ours.hgvs_c != pair.hgvs_c]

    assert len(both) > 69_000
    assert len(different) < 20


def test_descriptions_of_the_protein_are_those_of_vep_where_vep_can_be_trusted() -> None:
    """Leave out where VEP is known to be wrong: see `is_trusted`."""
    both = [pair for pair in pairs() if pair.ours and pair.ours.hgvs_p and pair.hgvs_p and is_trusted(pair)]
    different = [pair for pair in both if pair.ours and pair.ours.hgvs_p != pair.hgvs_p]

    assert len(both) > 13_000
    assert len(different) / len(both) < 0.005, [(one.allele, one.ours, one.hgvs_p) for one in different[:20]]


def is_trusted(pair: Pair) -> bool:
    """Whether VEP describes a protein as HGVS has it.

    It does not where a stop is met in the 3' UTR on the reverse strand, for frame shifts in mitochondria, for a lost
    start codon (p.Met1_?3), for a stop at once (delinsTer, insTer), for a read-through stop codon (fs, not ext), and
    for start codons that do not code for methionine.
    """
    ours = pair.ours.hgvs_p if pair.ours else ""
    reads_on = "fsTer" in ours or "extTer" in ours
    if reads_on and (pair.transcript.strand == "-" or pair.transcript.genetic_code != 1):
        return False
    if ours in {"p.Met1?", "p.Met1="} or "extTer" in ours:
        return False
    return not (ours.endswith("Ter") and "ins" in pair.hgvs_p)


def test_a_term_and_a_description_never_name_different_places() -> None:
    for pair in pairs():
        ours = pair.ours
        if ours is None:
            continue
        terms = set(ours.terms)
        if "synonymous_variant" in terms or "start_retained_variant" in terms:
            assert not ours.hgvs_p or ours.hgvs_p.endswith("="), pair
        if "missense_variant" in terms and ours.hgvs_p:
            assert not ours.hgvs_p.endswith(("=", "Ter", "?")), pair
        if "stop_lost" in terms and ours.hgvs_p:
            assert "ext" in ours.hgvs_p or "fs" in ours.hgvs_p, pair
        if ours.hgvs_p == "p.Met1?":
            assert "start_lost" in terms, pair
        if terms <= {"intron_variant", "5_prime_UTR_variant", "3_prime_UTR_variant"}:
            assert not ours.hgvs_p, pair
