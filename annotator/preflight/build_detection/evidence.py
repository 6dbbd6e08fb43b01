"""Evidence of a file's genome build: contigs and texts of its header, and the REF alleles of its records."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from annotator.preflight.build_detection.known_builds import BUILDS, Build, named_in
from annotator.reference.pack import Contig, Reference, ReferenceInfo

#: Minimum share of REF alleles that agree with the file's reference: the others are single faulty records.
AGREEING_SHARE = 0.9
#: Minimum number of REF alleles to rule out chance: one base in four agrees by chance.
ENOUGH = 10
#: If more than this share of the records is on contigs that a reference lacks, the file is not on that reference.
ELSEWHERE_SHARE = 0.9
SAMPLE_BASES = 50  # bases of one REF that are compared

_CONTIG = re.compile(r"##contig=<(.*)>\s*+$", re.DOTALL)
#: A key follows a comma. Its quantifier is possessive: otherwise a long run of letters would be retried at each letter.
_VALUES = re.compile(r'(?:^|[,<])\s*+(\w++)\s*+=("[^"\\]*+(?:\\.[^"\\]*+)*"|[^,"<>]*+)', re.ASCII)
_VERSIONED = re.compile(r"(?:NC|NT|NW|CM|CP|GL|KI|AC)_?\d+\.\d+", re.ASCII).fullmatch
_LONGEST_NAME = 60
_LONGEST_LINE = 10_000  # characters of a header line that are read

Site = tuple[str, int, str]  # contig as the file calls it, POS, REF


@dataclass
class Evidence:
    """What a header says about the build: lengths and MD5 by contig, names of all contigs, lines that name a build."""

    lengths: dict[str, int] = field(default_factory=dict)
    md5: dict[str, str] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)

    @cached_property
    def named(self) -> dict[str, str]:
        """Builds that the header names, by name, with the text that names each. Read only after all texts are in."""
        return {build.name: text for text in reversed(self.texts) for build in named_in(text)}


@dataclass(frozen=True)
class Comparison:
    """Contigs of a header, by the header's names: those equal to the build's and the others, with the bases of each."""

    same: tuple[str, ...]
    other: tuple[str, ...]
    known: tuple[str, ...]  # all contigs that the build has by name
    same_bases: int
    other_bases: int

    @property
    def fits(self) -> bool:
        """Whether most bases are the same. GRCh37 and GRCh38, for example, share the mitochondrion and scaffolds."""
        return self.same_bases > self.other_bases


def evidence(lines: Iterable[str]) -> Evidence:
    """Read the header lines about the build; skip all other lines, and lines that cannot be read."""
    found = Evidence()
    for line in lines:
        if contig := _CONTIG.match(line):
            body = contig[1]
            if len(body) > _LONGEST_LINE:
                body = body[:_LONGEST_LINE].rpartition(",")[0]  # without the value that is cut
            values = {key.lower(): value.strip().strip('"') for key, value in _VALUES.findall(body)}
            name = values.get("id", "")
            if not name:
                continue
            found.names[name] = None
            if (length := values.get("length", "")).isdecimal() and length.isascii() and 0 < len(length) < 13:
                found.lengths[name] = int(length)
            if md5 := values.get("md5") or values.get("m5"):
                found.md5[name] = md5.lower()
            for key in ("assembly", "url"):
                if key in values:
                    found.texts[values[key]] = None
        elif line.startswith(("##reference=", "##assembly=")):
            found.texts[line[:_LONGEST_LINE].partition("=")[2].strip()] = None
    return found


def contigs_by_name(reference: ReferenceInfo) -> dict[str, Contig]:
    """Return the contigs of a reference by each of their names and aliases."""
    return {name: contig for contig in reference.contigs for name in (contig.name, *contig.aliases)}


def compare(header: Evidence, build: ReferenceInfo | Build) -> Comparison:
    """Compare contig by contig. A versioned accession identifies its sequence, with or without a length."""
    contigs = {} if isinstance(build, Build) else contigs_by_name(build)
    same: dict[str, int] = {}
    other: dict[str, int] = {}
    known = []
    for name in header.names:
        if isinstance(build, Build):
            length, md5, exact = build.length(name), "", name in build.accessions
        else:
            contig = contigs.get(name)
            length, md5 = (contig.length, contig.md5) if contig else (None, "")
            exact = contig is not None and bool(_VERSIONED(name))
        if length is None:
            continue
        known.append(name)
        declared = header.lengths.get(name)
        if declared is not None and declared != length:
            other[name] = declared
        elif declared is not None or exact or (md5 and header.md5.get(name) == md5):
            same[name] = length
    return Comparison(tuple(same), tuple(other), tuple(known), sum(same.values()), sum(other.values()))


def known_build(reference: ReferenceInfo) -> str:
    """Return the name of the well-known build that a reference is; "" if it is none of them."""
    contigs = contigs_by_name(reference)
    for build in BUILDS:
        both = [(length, contigs[name].length) for name, length in build.lengths.items() if name in contigs]
        if both and all(one == two for one, two in both):
            return build.name
    return next((build.name for build in named_in(f"{reference.id} {reference.title}")), "")


@dataclass(frozen=True)
class Agreement:
    """How many of the `checked` REF alleles agree with the reference."""

    checked: int = 0
    agreeing: int = 0

    @property
    def good(self) -> bool:
        return self.checked > 0 and self.agreeing >= AGREEING_SHARE * self.checked


def agree(sample: Iterable[Site], reference: Reference) -> Agreement:
    """Count the REF alleles of a sample that agree with the reference.

    Alleles without information (N, an unknown contig) are not counted. A position after the contig's end disagrees.
    """
    checked = agreeing = 0
    for name, pos, ref in sample:
        contig = reference.canonical(name)
        bases = ref[:SAMPLE_BASES].upper()
        if contig is None or pos < 1 or not bases or bases.strip("ACGT"):
            continue
        checked += 1
        agreeing += reference.sequence.fetch(contig, pos, pos + len(bases) - 1) == bases
    return Agreement(checked, agreeing)


def mostly(elsewhere: int, records: int) -> bool:
    """Return whether too many records lie on unknown contigs for the file to be on this reference."""
    return records >= ENOUGH and elsewhere > ELSEWHERE_SHARE * records


def elsewhere(sample: Iterable[Site], reference: ReferenceInfo) -> int:
    """Return the number of records in a sample whose contig the reference does not have."""
    names = contigs_by_name(reference)
    return sum(name not in names for name, _, _ in sample)


def measure(header: Evidence, name: str) -> str:
    """Return a clause with the evidence that a contig gives: "its contig 1 has 249,250,621 bases"."""
    length = header.lengths.get(name)
    return f"its contig {short(name)} has {length:,} bases" if length is not None else f"it has contig {short(name)}"


def short(text: str) -> str:
    """Return a piece of the file, shortened for a sentence."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _LONGEST_NAME else f"…{shown[-_LONGEST_NAME:]}"


def upper(sentence: str) -> str:
    """Return the sentence with its first letter in upper case."""
    return sentence[:1].upper() + sentence[1:]
