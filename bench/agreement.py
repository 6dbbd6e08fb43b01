"""How often the annotator's consequences are those of SnpEff, `bcftools csq` and Ensembl VEP, and where they differ.

`python -m bench.agreement` prints, for the alleles of the tests on real gene models, how many differences from VEP and
from csq belong to each class, and of the latter whom VEP agrees with. bench.annotation compares the alleles of its
synthetic chromosome with SnpEff and csq. See docs/agreement.md.
"""

import gzip
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pysam
from rich.console import Console
from rich.table import Table

from annotator.effects.allele import shortest
from annotator.effects.csq_field import FIELDS
from annotator.effects.normalize import normal
from tests.support import csq, csq_sets, gene_models, vep_differences
from tests.support.csq_differences import Pair, class_of, most_severe, of_transcript, worst

#: SnpEff's own words, and the terms that VEP has for the same.
FINER = {
    "intergenic_region": "intergenic_variant",
    "conservative_inframe_insertion": "inframe_insertion",
    "disruptive_inframe_insertion": "inframe_insertion",
    "conservative_inframe_deletion": "inframe_deletion",
    "disruptive_inframe_deletion": "inframe_deletion",
    "5_prime_UTR_premature_start_codon_gain_variant": "5_prime_UTR_variant",
    "initiator_codon_variant": "start_retained_variant",
}
CONSEQUENCE, FEATURE, NUMBER = (FIELDS.index(name) for name in ("Consequence", "Feature", "ALLELE_NUM"))


def main() -> None:
    console = Console()
    console.print(on_fragments_by_set())
    console.print(on_fragments_with_vep())
    console.print(of_proteins_with_vep())
    console.print(on_fragments_with_csq())


# --- On the synthetic chromosome


def records(path: Path, tag: str) -> Iterator[tuple[csq.Allele, int, list[list[str]]]]:
    """Yield each allele of a VCF, its number in its record, and the entries of a tag of the whole record."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            contig, pos, _, ref, alts, _, _, info = line.split("\t", 8)[:8]
            value = next((part[len(tag) + 1 :] for part in info.split(";") if part.startswith(f"{tag}=")), "")
            entries = [entry.split("|") for entry in value.split(",") if entry]
            for number, alt in enumerate(alts.split(","), 1):
                yield (contig, int(pos), ref, alt), number, entries


def with_snpeff(ours: Path, theirs: Path) -> tuple[Table, float]:
    """Return how often the most severe term of an allele is the same: a table of what differs, and the share."""
    other = {
        allele: most_severe(
            [FINER.get(term, term) for term in entry[1].split("&")] for entry in entries if entry[0] == allele[3]
        )
        for allele, _, entries in records(theirs, "ANN")
    }
    pairs: Counter[tuple[str, str]] = Counter()
    for allele, number, entries in records(ours, "CSQ"):
        own = most_severe(entry[CONSEQUENCE].split("&") for entry in entries if entry[NUMBER] == str(number))
        pairs[own, other.get(allele, "(none)")] += 1
    same = sum(count for (one, two), count in pairs.items() if one == two)
    total = pairs.total()
    table = Table(title=f"Most severe terms of {total:,} alleles: {same / total:.3%} as SnpEff's")
    for column in ("ours", "SnpEff's", "alleles"):
        table.add_column(column)
    for (one, two), count in pairs.most_common():
        if one != two:
            table.add_row(one, two, f"{count:,}")
    return table, same / total


def with_csq(ours: Path, pack: Path) -> tuple[Table, int]:
    """Return a table of the differences from csq by class, and how many belong to none."""
    fasta, genes = pack / "genome.fa", pack / "genes.gff3"
    transcripts = {one.name: one for models in gene_models.read_transcripts(genes).values() for one in models}
    symbols = csq.symbols(genes)
    with pysam.FastaFile(str(fasta)) as sequence:

        def bases(contig: str, start: int, end: int) -> str:
            return str(sequence.fetch(contig, start - 1, end)).upper()

        ours_of: dict[csq.Allele, dict[str, str]] = {}
        for (contig, pos, ref, alt), number, entries in records(ours, "CSQ"):
            own = {one[FEATURE]: one[CONSEQUENCE] for one in entries if one[NUMBER] == str(number) and one[FEATURE]}
            ours_of[contig, *normal(contig, pos, ref, alt, bases)] = own
        total, classes = 0, Counter[str]()
        with tempfile.TemporaryDirectory(dir=pack) as folder:
            for allele, answers in csq.answers(ours_of, fasta, genes, Path(folder)):
                contig, pos, ref, alt = allele
                names = {*ours_of[allele], *(one.transcript for one in answers if one.transcript)}
                for name in names:
                    transcript = transcripts[name]
                    theirs = of_transcript(answers, transcript, symbols.get(transcript.gene, transcript.gene))
                    terms = tuple(filter(None, ours_of[allele].get(name, "").split("&")))
                    total += 1
                    if worst(terms) != worst(theirs):
                        change = shortest(pos, ref, alt)
                        pair = Pair(allele, change, transcript, terms, theirs, partial(bases, contig))
                        classes[class_of(pair)] += 1
    table = Table(title=f"{classes.total():,} of {total:,} answers differ from those of bcftools csq")
    for column in ("class", "alleles"):
        table.add_column(column)
    for name, count in classes.most_common():
        table.add_row(name or "(none)", f"{count:,}")
    return table, classes[""]


# --- On real gene models


def on_fragments_by_set() -> Table:
    """Return how often an allele's most severe term is VEP's, and a transcript's term and HGVS p., for each set."""
    table = Table(title="The same as VEP")
    for column in ("set", "alleles", "or placed elsewhere", "delins", "transcripts", "HGVS p."):
        table.add_column(column)
    every: Counter[str] = Counter()
    for name in vep_differences.SETS:
        pairs = [pair for pair in vep_differences.pairs() if pair.allele[0] == name]
        same: Counter[str] = Counter(
            {
                "transcripts": sum(pair.our_worst == pair.worst for pair in pairs),
                "of transcripts": len(pairs),
                "HGVS p.": sum(bool(pair.p) and pair.p == pair.hgvs_p for pair in pairs),
                "of HGVS p.": sum(bool(pair.p and pair.hgvs_p) for pair in pairs),
            }
        )
        for allele in vep_differences.alleles(name):
            columns = ["alleles", *(["delins"] if allele.is_delins else [])]
            agrees = allele.ours == allele.theirs
            same += Counter(dict.fromkeys(columns, agrees) | {f"of {column}": 1 for column in columns})
            same["or placed elsewhere"] += agrees or allele.is_placed_elsewhere
            same["of or placed elsewhere"] += 1
        every += same
        table.add_row(name, *_shares(same))
    table.add_row("all", *_shares(every))
    return table


def _shares(same: Counter[str]) -> list[str]:
    columns = ("alleles", "or placed elsewhere", "delins", "transcripts", "HGVS p.")
    return [f"{same[column] / same[f'of {column}']:.2%} of {same[f'of {column}']:,}" for column in columns]


def on_fragments_with_vep() -> Table:
    """Return how many differences from VEP belong to each class."""
    pairs = vep_differences.pairs()
    classes = Counter(vep_differences.class_of(pair) for pair in pairs if pair.our_worst != pair.worst)
    share = 1 - classes.total() / len(pairs)
    table = Table(title=f"Most severe terms of {len(pairs):,} alleles and transcripts: {share:.2%} as VEP's")
    for column in ("class", "pairs"):
        table.add_column(column)
    for name, count in classes.most_common():
        table.add_row(name or "(none)", f"{count:,}")
    return table


def of_proteins_with_vep() -> Table:
    """Return how many differences in HGVS p. belong to each class."""
    both = [pair for pair in vep_differences.pairs() if pair.p and pair.hgvs_p]
    classes = Counter(vep_differences.protein_class_of(pair) for pair in both if pair.p != pair.hgvs_p)
    table = Table(
        title=f"HGVS p. of {len(both):,} alleles and transcripts: {1 - classes.total() / len(both):.2%} as VEP's"
    )
    for column in ("class", "pairs"):
        table.add_column(column)
    for name, count in classes.most_common():
        table.add_row(name or "(none)", f"{count:,}")
    return table


def on_fragments_with_csq() -> Table:
    """Return how many differences from csq belong to each class, and what VEP says there."""
    vep = {(*pair.allele[1:], pair.transcript.name): worst(pair.terms) for pair in vep_differences.pairs()}
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in csq_sets.SETS:
            for pair in csq_sets.read(name, Path(folder)):
                total += 1
                if pair.differs:
                    said = vep.get((*pair.allele, pair.transcript.name), "")
                    sides = {worst(pair.theirs): "csq", worst(pair.ours): "ours"}
                    classes[class_of(pair)][sides.get(said, "neither")] += 1
    differ = sum(counts.total() for counts in classes.values())
    table = Table(title=f"{differ:,} of {total:,} answers differ from those of bcftools csq; whom VEP agrees with")
    for column in ("class", "pairs", "ours", "csq", "neither"):
        table.add_column(column)
    for name, counts in sorted(classes.items(), key=lambda item: -item[1].total()):
        table.add_row(
            name or "(none)", f"{counts.total():,}", *(f"{counts[one]:,}" for one in ("ours", "csq", "neither"))
        )
    return table


if __name__ == "__main__":
    main()
