"""`python -m annotator.run.columnar`: compile the loops for large files, unless they are compiled already.

Otherwise the first large file on a machine waits for the compiler. This annotates a generated file on a small generated
genome with a generated source.
"""

import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from annotator.reference.pack import load_reference
from annotator.run.annotate import annotate
from annotator.run.splitter import LARGE
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.origin import Request

SIZE = 300_000  # bases
SPACING = 10  # bases between two records, so that the file is larger than LARGE
_GENE = "1\tmade\t{}\t{}\t{}\t.\t{strand}\t{}\t{}\n"


def main() -> int:
    """Compile all loops by annotating a generated file. Returns the exit status."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bases = "".join(random.Random(1).choices("ACGT", k=SIZE))  # noqa: S311 - nothing secret
        _write_pack(folder / "made", bases)
        person = folder / "person.vcf"
        declared = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        person.write_text(_vcf(bases, declared, "\tFORMAT\tone", "\tGT\t0|1"))
        if person.stat().st_size < LARGE:
            raise AssertionError("the file is too small to go through in blocks")
        known = folder / "known.vcf"
        known.write_text(_vcf(bases))
        reference = load_reference("made", folder)
        fields = Wanted("NOTE", "KNOWN_NOTE"), Wanted("CLNSIG", "KNOWN_CLNSIG")
        request = Request("known", "Known", fields, (known.as_uri(),))
        annotate(person, folder, reference=reference, sources=[install(request, reference, folder)])
    sys.stdout.write(f"Ready after {time.monotonic() - began:.0f} s.\n")
    return 0


def _vcf(bases: str, header: str = "", columns: str = "", tail: str = "") -> str:
    """Return a VCF with substitutions, insertions, deletions and records with two alleles."""
    lines = []
    for place in range(0, SIZE - 100, SPACING):
        ref, others = bases[place], [base for base in "ACGT" if base != bases[place]]
        ref, alt = [
            (ref, others[0]), (ref, f"{ref}{others[1]}{others[1]}"), (bases[place : place + 3], ref),
            (ref, ",".join(others[:2])), (bases[place : place + 2], others[0] * 2),
        ][place // SPACING % 5]  # fmt: skip
        if alt != ref:
            lines.append(f"1\t{place + 1}\t.\t{ref}\t{alt}\t.\tPASS\tNOTE=text_{place};CLNSIG=Benign{tail}\n")
    declared = "".join(f'##INFO=<ID={tag},Number=1,Type=String,Description="A text">\n' for tag in ("NOTE", "CLNSIG"))
    return (
        f"##fileformat=VCFv4.2\n##contig=<ID=1,length={SIZE}>\n{declared}{header}"
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO{columns}\n{''.join(lines)}"
    )


def _write_pack(folder: Path, bases: str) -> None:
    """Write a reference pack with a gene on each strand; see docs/annotation.md."""
    folder.mkdir()
    (folder / "genome.fa").write_text(f">1\n{bases}\n")
    (folder / "genome.fa.fai").write_text(f"1\t{SIZE}\t3\t{SIZE}\t{SIZE + 1}\n")
    (folder / "genes.gff3").write_text("##gff-version 3\n" + _gene("a", 20_000, "+") + _gene("b", 120_000, "-"))
    contig = {
        "name": "1",
        "length": SIZE,
        "md5": hashlib.md5(bases.encode(), usedforsecurity=False).hexdigest(),
        "accession": "",
    }
    manifest = {
        "id": "made",
        "title": "Made",
        "organism": "none",
        "version": "1",
        "description": "Made to compile on",
        "genetic_code": 1,
        "contigs": [contig],
        "files": {"fasta": {"name": "genome.fa"}, "gff": {"name": "genes.gff3"}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _gene(name: str, start: int, strand: str) -> str:
    exons = [(start, start + 299), (start + 5_000, start + 5_299)]
    rows = [
        ("gene", start, exons[-1][1], ".", f"ID=gene:{name};Name={name};biotype=protein_coding"),
        ("mRNA", start, exons[-1][1], ".", f"ID=transcript:{name};Parent=gene:{name};biotype=protein_coding"),
    ]
    for first, last in exons:
        rows.append(("exon", first, last, ".", f"Parent=transcript:{name}"))
        rows.append(("CDS", first, last, "0", f"ID=CDS:{name};Parent=transcript:{name}"))
    return "".join(_GENE.format(*row, strand=strand) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
