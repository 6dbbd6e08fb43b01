"""What `bcftools csq` says of alleles: an independent witness, which the annotator does not use.

csq reads a FASTA and Ensembl's GFF3. Each allele is given to it in a record of its own, and judged alone (--local-csq).
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pysam

#: csq's words and the Sequence Ontology's terms: see the manual page of bcftools csq.
TERMS = {
    "splice_acceptor": "splice_acceptor_variant",
    "splice_donor": "splice_donor_variant",
    "stop_gained": "stop_gained",
    "frameshift": "frameshift_variant",
    "stop_lost": "stop_lost",
    "start_lost": "start_lost",
    "feature_elongation": "feature_elongation",
    "feature_truncation": "feature_truncation",
    "inframe_insertion": "inframe_insertion",
    "inframe_deletion": "inframe_deletion",
    "missense": "missense_variant",
    "inframe_altering": "protein_altering_variant",
    "splice_region": "splice_region_variant",
    "incomplete_terminal_codon": "incomplete_terminal_codon_variant",
    "start_retained": "start_retained_variant",
    "stop_retained": "stop_retained_variant",
    "synonymous": "synonymous_variant",
    "coding_sequence": "coding_sequence_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "non_coding": "non_coding_transcript_exon_variant",
    "intron": "intron_variant",
    "NMD_transcript": "NMD_transcript_variant",
    "intergenic": "intergenic_variant",
}

Allele = tuple[str, int, str, str]


class Entry(NamedTuple):
    """One entry of BCSQ.

    terms: of the Sequence Ontology.
    gene: its name.
    transcript: its identifier; "" where csq names only the gene: introns, and transcripts that do not code.
    biotype: as csq writes it.
    amino_acids: such as 340R>340H; "" outside of coding sequences.
    """

    terms: frozenset[str]
    gene: str
    transcript: str
    biotype: str
    amino_acids: str


def answers(
    alleles: Iterable[Allele], fasta: Path, genes: Path, folder: Path, genetic_code: int = 1
) -> Iterator[tuple[Allele, tuple[Entry, ...]]]:
    """Yield each allele, along the contigs, with csq's entries for it.

    Args:
        alleles: Contig, position, REF and ALT.
        fasta: The sequence; gets an index next to it if it has none.
        genes: Ensembl's GFF3.
        folder: Where two files are written.
        genetic_code: NCBI's number.

    Raises:
        subprocess.CalledProcessError: csq failed; its messages are in the error.
    """
    if not fasta.with_name(f"{fasta.name}.fai").exists():
        pysam.faidx(str(fasta))
    with pysam.FastaFile(str(fasta)) as sequence:
        lengths = dict(zip(sequence.references, sequence.lengths, strict=True))
    given, said = folder / "alleles.vcf", folder / "csq.vcf"
    ordered = _write(alleles, lengths, given)
    command = [
        *(sys.executable, "-c", "import sys, pysam.bcftools; pysam.bcftools.csq(*sys.argv[1:], catch_stdout=False)"),
        *("--local-csq", "--force", "--no-version", "--genetic-code", str(genetic_code)),
        # Also of transcripts that are touched in an intron, where another one is touched in an exon.
        *("--greedy", "1"),
        *("-f", str(fasta), "-g", str(genes), "-o", str(said), str(given)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with said.open() as lines:
        for line in lines:
            if not line.startswith("#"):
                _, _, number, _, _, _, _, info = line.rstrip("\n").split("\t")
                yield ordered[int(number)], entries(info.removeprefix("BCSQ=") if "BCSQ=" in info else "")


def _write(alleles: Iterable[Allele], lengths: Mapping[str, int], path: Path) -> Sequence[Allele]:
    """Write records in order, each with its allele's number in the returned list."""
    places = {contig: place for place, contig in enumerate(lengths)}
    ordered = sorted(set(alleles), key=lambda one: (places[one[0]], one[1]))
    with path.open("w") as file:
        file.write("##fileformat=VCFv4.2\n")
        file.writelines(f"##contig=<ID={contig},length={length}>\n" for contig, length in lengths.items())
        file.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        file.writelines(
            f"{contig}\t{pos}\t{number}\t{ref}\t{alt}\t.\t.\t.\n"
            for number, (contig, pos, ref, alt) in enumerate(ordered)
        )
    return ordered


def entries(bcsq: str) -> tuple[Entry, ...]:
    """Read a value of BCSQ."""
    found = []
    for entry in filter(None, bcsq.split(",")):
        words, gene, transcript, biotype, *more = entry.split("|")
        # A * in front marks what lies behind a new stop codon.
        terms = frozenset(TERMS[word] for word in words.lstrip("*").split("&"))
        found.append(Entry(terms, gene, transcript, biotype, more[1] if len(more) > 1 else ""))
    return tuple(found)


def symbols(genes: Path) -> dict[str, str]:
    """Return the name of each gene of Ensembl's GFF3 by its identifier, as csq calls it."""
    found = {}
    with genes.open() as lines:
        for line in lines:
            if "\tID=gene:" in line:
                tags = dict(part.split("=", 1) for part in line.rstrip("\n").split("\t")[8].split(";") if "=" in part)
                identifier = tags["ID"].removeprefix("gene:")
                found[identifier] = tags.get("Name", identifier)
    return found
