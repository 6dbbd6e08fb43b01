"""Other names of a contig in files: with and without `chr`, and its accessions."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

#: Names of mitochondrial contigs.
MITOCHONDRIA = {"MT", "M", "Mt", "mt", "chrM", "chrMT", "Mito", "MtDNA", "mitochondrion", "mitochondrion_genome"}
_CHROMOSOME = re.compile(r"(\d{1,3}[A-DLRab]{0,2}|[XYZWIV]{1,5}|[UX]\d{0,2}|\d[LR])").fullmatch
_REFSEQ = re.compile(r"(NC|NT|NW|NG|AC)_\d+\.\d+").fullmatch
_GENBANK = re.compile(r"[A-Z]{1,6}\d{5,}\.\d+").fullmatch


def aliases(names: Sequence[str], said: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the other names of every contig. said: names in the GFF3 or an assembly report.

    Two contigs never share a name: a name that could belong to both is given to neither.
    """
    own = set(names)
    found = {name: dict.fromkeys([*_derived(name), *said.get(name, ())]) for name in names}
    claims = Counter(alias for all_of_one in found.values() for alias in all_of_one)
    return {
        name: tuple(alias for alias in found[name] if alias not in own and claims[alias] == 1 and _sound(alias))
        for name in names
    }


def _derived(name: str) -> list[str]:
    if name in MITOCHONDRIA:
        return ["chrM", "MT", "M", "chrMT", "Mt", "mt"]
    bare = name.removeprefix("chr")
    if _CHROMOSOME(bare):
        return [bare, f"chr{bare}"]
    return []


def _sound(alias: str) -> bool:
    return bool(alias) and not re.search(r"[\s,<>\"']", alias)


def accession(name: str, others: Sequence[str]) -> str:
    """Return the accession of a contig: RefSeq's, else GenBank's, else its name."""
    for fits in (_REFSEQ, _GENBANK):
        for one in (name, *others):
            if fits(one):
                return one
    return name


def parse_report(text: str) -> list[list[str]]:
    """Parse an NCBI assembly report (`…_assembly_report.txt`) into a group of names for each sequence.

    Columns: name, role, molecule, its type, GenBank accession, relation, RefSeq accession, unit, length, UCSC's name.
    """
    groups = []
    for line in text.splitlines():
        columns = line.rstrip("\r").split("\t")
        if line.startswith("#") or len(columns) < 10:
            continue
        molecule = [columns[2]] if columns[1] == "assembled-molecule" else []
        group = [columns[0], *molecule, columns[4], columns[6], columns[9]]
        groups.append([name for name in dict.fromkeys(group) if name and name != "na"])
    return groups


def from_report(groups: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """Return the names in a report for each contig."""
    own = set(names)
    return {name: list(group) for group in groups for name in group if name in own}
