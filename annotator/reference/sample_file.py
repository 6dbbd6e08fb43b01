"""Write a VCF for trying the annotator, from a reference pack's own sequence and known variants."""

import random
from pathlib import Path

from annotator.reference.pack import Reference, load_reference

#: Positions at which most people differ from rCRS, which is of haplogroup H2a2a1 (PhyloTree build 17).
COMMON = (73, 263, 750, 1438, 2706, 4769, 7028, 8860, 11719, 14766, 15326)
#: Known variants in every sample file: the first of LHON, MELAS, MERRF, deafness and NARP.
ALWAYS = ("m.11778G>A", "m.3243A>G", "m.8344A>G", "m.1555A>G", "m.8993T>G")
TRANSITIONS = {"A": "G", "G": "A", "C": "T", "T": "C"}
TRANSITION_SHARE = 0.93  # approximate share of transitions among substitutions in mitochondrial DNA
INDEL_SHARE = 0.03

HEADER = """\
##fileformat=VCFv4.2
##source=annotator sample
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=strand_bias,Description="Seen on one strand only">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth over all samples">
##INFO=<ID=MQ,Number=1,Type=Float,Description="Root mean square mapping quality">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depth of each allele">
##FORMAT=<ID=HF,Number=A,Type=Float,Description="Share of reads with the allele (heteroplasmy)">
"""


def write_sample(path: Path, records: int = 1200, seed: int = 20, reference: Reference | None = None) -> None:
    """Write a sorted VCF with `records` records, one per position, including known variants.

    The same seed gives the same file; 1,200 records take about 90 KB. The default reference is rCRS, whose contig is
    then named chrM, as in most files.
    """
    reference = reference or load_reference("rCRS")
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    contig = reference.contigs[0]
    name = "chrM" if "chrM" in contig.aliases else contig.name
    alleles = {
        known.pos: (known.ref, known.alt)
        for known in reference.known
        if known.contig == contig.name and (known.change in ALWAYS or rng.random() < 0.1)
    }
    places = [place for place in COMMON if place <= contig.length]
    while len(alleles) < records:
        place = places.pop() if places else rng.randrange(1, contig.length - 8)
        ref = reference.sequence.fetch(contig.name, place, place)
        if place not in alleles and ref in TRANSITIONS:
            alleles[place] = _allele(rng, reference, contig.name, place, ref)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(HEADER)
        file.write(f"##contig=<ID={name},length={contig.length}>\n")
        file.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSAMPLE\n")
        for place in sorted(alleles):
            file.write(_line(rng, name, place, *alleles[place]))


def _allele(rng: random.Random, reference: Reference, contig: str, place: int, ref: str) -> tuple[str, str]:
    if place not in COMMON and rng.random() < INDEL_SHARE:
        size = rng.choice((1, 1, 2, 3))
        if rng.random() < 0.5:
            return reference.sequence.fetch(contig, place, place + size), ref
        return ref, ref + "".join(rng.choices("ACGT", k=size))
    if place in COMMON or rng.random() < TRANSITION_SHARE:
        return ref, TRANSITIONS[ref]
    return ref, rng.choice([base for base in "ACGT" if base not in (ref, TRANSITIONS[ref])])


def _line(rng: random.Random, name: str, place: int, ref: str, alt: str) -> str:
    depth = rng.randrange(400, 4000)
    share = 1.0 if rng.random() < 0.6 else rng.uniform(0.03, 0.97)
    with_alt = round(depth * share)
    genotype = "1/1" if share == 1.0 else "0/1"
    quality = min(round(with_alt * 1.8, 1), 9999.0)
    state = "strand_bias" if rng.random() < 0.02 else "PASS"
    info = f"DP={depth};MQ={rng.uniform(50, 60):.1f}"
    return (
        f"{name}\t{place}\t.\t{ref}\t{alt}\t{quality}\t{state}\t{info}\tGT:AD:HF\t"
        f"{genotype}:{depth - with_alt},{with_alt}:{with_alt / depth:.3f}\n"
    )
