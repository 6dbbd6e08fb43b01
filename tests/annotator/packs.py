"""Small reference packs for tests, with bases of one's own choice."""

import hashlib
import json
from pathlib import Path

from annotator.reference.pack import Reference, load_reference


def make_pack(
    folder: Path,
    contigs: dict[str, str],
    *,
    genes: str = "",
    circular: bool = False,
    aliases: dict[str, list[str]] | None = None,
    genetic_code: int = 1,
    pack_id: str = "test",
) -> Reference:
    """Write a pack into folder and load it. contigs maps names to bases; genes is GFF3 text."""
    pack = folder / pack_id
    pack.mkdir(parents=True)
    offset = 0
    index = []
    with (pack / "genome.fa").open("w") as fasta:
        for name, bases in contigs.items():
            offset += len(name) + 2
            index.append(f"{name}\t{len(bases)}\t{offset}\t{len(bases)}\t{len(bases) + 1}\n")
            fasta.write(f">{name}\n{bases}\n")
            offset += len(bases) + 1
    (pack / "genome.fa.fai").write_text("".join(index))
    first = next(iter(contigs))
    (pack / "genes.gff3").write_text("##gff-version 3\n" + (genes or _gene(first)))
    manifest = {
        "id": pack_id,
        "title": f"The {pack_id} reference",
        "organism": "none",
        "version": "1",
        "description": "Made for a test",
        "contigs": [
            {
                "name": name,
                "length": len(bases),
                "md5": hashlib.md5(bases.encode(), usedforsecurity=False).hexdigest(),
                "accession": name,
                "circular": circular,
                "aliases": (aliases or {}).get(name, []),
            }
            for name, bases in contigs.items()
        ],
        "genetic_code": genetic_code,
        "files": {"fasta": {"name": "genome.fa"}, "gff": {"name": "genes.gff3"}},
    }
    (pack / "manifest.json").write_text(json.dumps(manifest))
    return load_reference(pack_id, folder)


def _gene(contig: str) -> str:
    row = f"{contig}\ttest\t{{}}\t1\t3\t.\t+\t.\t{{}}\n"
    return row.format("ncRNA_gene", "ID=gene:g;Name=g;biotype=misc_RNA") + row.format(
        "transcript", "ID=transcript:g;Parent=gene:g;biotype=misc_RNA"
    )


def genetic_codes(reference: Reference) -> dict[str, int]:
    """Return NCBI's number of each contig's genetic code."""
    return {contig.name: contig.genetic_code for contig in reference.contigs}
