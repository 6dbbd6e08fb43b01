"""A small genome that is no mitochondrion, its pack, and sources that look like the real ones."""

import gzip
import hashlib
import json
import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pysam
import pytest

from annotator.reference.pack import Reference, load_reference
from annotator.sources.errors import SourceError
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.manifest import Source
from annotator.sources.origin import Request

CLINVAR_HEADER = """\
##fileformat=VCFv4.1
##fileDate=2026-11-15
##source=ClinVar
##reference=GRCh38
##ID=<Description="ClinVar Variation ID">
##INFO=<ID=AF_EXAC,Number=1,Type=Float,Description="allele frequencies from ExAC">
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="the ClinVar Allele ID">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="ClinVar's preferred disease name for the concept">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="ClinVar review status of germline classification">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Aggregate germline classification for this single variant">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="Gene(s) for the variant reported as gene symbol:gene id">
"""
DBSNP_HEADER = """\
##fileformat=VCFv4.2
##fileDate=20260410
##source=dbSNP
##dbSNP_BUILD_ID=157
##reference=GRCh38.p14
##phasing=partial
##INFO=<ID=RS,Number=1,Type=Integer,Description="dbSNP ID (i.e. rs number)">
##INFO=<ID=COMMON,Number=0,Type=Flag,Description="RS is a common SNP.">
##INFO=<ID=FREQ,Number=.,Type=String,Description="An ordered list of allele frequencies as reported by studies">
"""
GNOMAD_HEADER = """\
##fileformat=VCFv4.2
##hailversion=0.2.132-678e1f52b999
##FILTER=<ID=AC0,Description="Allele count is zero after filtering out low-confidence genotypes">
##INFO=<ID=AC,Number=A,Type=Integer,Description="Alternate allele count">
##INFO=<ID=AN,Number=1,Type=Integer,Description="Total number of alleles">
##INFO=<ID=AF,Number=A,Type=Float,Description="Alternate allele frequency">
##INFO=<ID=grpmax,Number=A,Type=String,Description="Genetic ancestry group with the maximum allele frequency">
##contig=<ID=chr1,length=30000,assembly=gnomAD_GRCh38>
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

_GENES = """##gff-version 3
1\ttest\tgene\t1001\t1900\t.\t+\t.\tID=gene:G1;Name=ALPHA;biotype=protein_coding
1\ttest\tmRNA\t1001\t1900\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding
1\ttest\texon\t1001\t1900\t.\t+\t.\tParent=transcript:T1
1\ttest\tCDS\t1001\t1900\t.\t+\t0\tID=CDS:P1;Parent=transcript:T1
"""


@cache
def genome() -> dict[str, str]:
    """Three contigs: one with a gene and repeats at places that tests know, a second, and a small circle."""
    dice = random.Random(11)  # noqa: S311 - the same genome each time
    bases = "".join(dice.choices("ACGT", k=30_000))
    coding = "ATG" + "".join(dice.choice(("GCA", "CTT", "GAA", "CAC", "TGG", "AAC")) for _ in range(298)) + "TAA"
    bases = bases[:1000] + coding + bases[1900:]
    for start, repeat in ((4000, "GT" + "CA" * 20 + "GG"), (6000, "GC" + "A" * 30 + "GC"), (8000, "T" + "CAG" * 3000)):
        bases = bases[:start] + repeat + bases[start + len(repeat) :]
    return {"1": bases, "2": "".join(dice.choices("ACGT", k=5_000)), "MT": "".join(dice.choices("ACGT", k=500))}


def make_genome(folder: Path, pack_id: str = "GRCh38", contigs: dict[str, str] | None = None) -> Reference:
    """Write a pack into folder and load it; its FASTA is indexed by samtools."""
    contigs = contigs or genome()
    pack = folder / pack_id
    pack.mkdir(parents=True)
    fasta = pack / "genome.fa"
    wrapped = {
        name: "\n".join(bases[at : at + 60] for at in range(0, len(bases), 60)) for name, bases in contigs.items()
    }
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in wrapped.items()))
    pysam.faidx(str(fasta))
    (pack / "genes.gff3").write_text(_GENES)
    manifest = {
        "id": pack_id,
        "title": f"Made-up genome ({pack_id})",
        "organism": "none",
        "version": "1",
        "description": "Made for a test",
        "contigs": [
            {
                "name": name,
                "length": len(bases),
                "md5": hashlib.md5(bases.encode(), usedforsecurity=False).hexdigest(),
                "accession": f"NC_00000{number}.1",
                "aliases": [f"chr{name}"],
            }
            for number, (name, bases) in enumerate(contigs.items(), 1)
        ],
        "genetic_code": 1,
        "files": {
            name: {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for name, path in (("fasta", fasta), ("gff", pack / "genes.gff3"))
        },
    }
    (pack / "manifest.json").write_text(json.dumps(manifest))
    return load_reference(pack_id, folder)


def other(base: str, step: int = 1) -> str:
    """Another base than this one."""
    return "ACGT"[("ACGT".index(base) + step) % 4]


def text(header: str, rows: Iterable[str]) -> bytes:
    """A VCF. Columns of rows may be separated by single spaces."""
    return (header + COLUMNS + "".join(row.replace(" ", "\t") + "\n" for row in rows)).encode()


def packed(path: Path, content: bytes) -> Path:
    """Write content as bgzip."""
    plain = path.with_name(path.name + ".plain")
    plain.write_bytes(content)
    pysam.tabix_compress(str(plain), str(path), force=True)
    plain.unlink()
    assert gzip.decompress(path.read_bytes()) == content
    return path


def installed(
    references: Path,
    reference: Reference,
    content: bytes,
    *fields: Wanted,
    name: str = "mine",
    title: str = "Mine",
    version: str = "7",
) -> Source:
    """Install a source from the text of a VCF."""
    file = references / f"{name}.vcf"
    file.write_bytes(content)
    return install(Request(name, title, fields, (str(file),), version=version), reference, references)


def refusal(*arguments: object, **keywords: object) -> SourceError:
    """Install what cannot be; gives the error, having checked that it is one line of text."""
    with pytest.raises(SourceError) as caught:
        install(*arguments, **keywords)  # type: ignore[arg-type]
    error = caught.value
    assert error.message.endswith(".")
    assert "\n" not in error.message
    return error
