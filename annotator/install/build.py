"""Build a pack from a genome and its genes: all files of a folder in REFERENCES_DIR, with the manifest last."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator import __version__
from annotator.effects.genes import Record
from annotator.effects.transcript import Transcript
from annotator.formats import bcftools
from annotator.formats.fasta import Sequence as Bases
from annotator.install import contig_codes as codes
from annotator.install import names
from annotator.install.checksums import of_file
from annotator.install.download import Fetched, sync
from annotator.install.genes import ContigGenes, GeneModels, pack_genes
from annotator.install.genome import Sequence as Contig
from annotator.install.genome import pack_genome
from annotator.reference.pack import FORMAT, MANIFEST

FASTA, GFF, TABLE = "genome.fa.gz", "genes.gff3.gz", "genes.tsv"
#: Names of a pack's files in its manifest.
FILES = {
    "fasta": FASTA,
    "fasta_index": f"{FASTA}.fai",
    "fasta_blocks": f"{FASTA}.gzi",
    "gff": GFF,
    "gff_index": f"{GFF}.csi",
    "gene_table": TABLE,
    "gene_table_index": f"{TABLE}.index",
}

#: Called with (the current step, bytes done, total bytes).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """The names of a pack, and the files to build it from.

    species: as Ensembl writes it, such as homo_sapiens; "" if unknown.
    organism: as people write it, such as Homo sapiens; "" if unknown.
    codes: genetic codes by contig, for contigs that do not use the default.
    published: published checksums of the source files, by address.
    provider: the maker of the gene models, by the name that people know; "" for a person's own files.
    """

    id: str
    species: str
    organism: str
    assembly: str
    release: str
    genome: Fetched
    genes: Fetched
    codes: Mapping[str, int] = field(default_factory=dict)
    report: Sequence[Sequence[str]] = ()
    lookalikes: Sequence[Mapping[str, Any]] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    provider: str = "Ensembl"


def build_pack(folder: Path, recipe: Recipe, progress: Progress | None = None) -> None:
    """Write the pack's files into an existing empty folder. Raises InstallError or OSError.

    The same source files give the same bytes, on any day and any machine.
    """

    def told(what: str, total: int) -> Callable[[int], None] | None:
        return (lambda done: progress(what, done, total)) if progress else None

    contigs = pack_genome(recipe.genome.path, folder / FASTA, told("genome", recipe.genome.size))
    bases = Bases(folder / FASTA)
    found_codes: dict[str, int] = {}

    def check(contig: ContigGenes, records: list[Record]) -> None:
        code = codes.code_of(contig.name, contig.mitochondrial, recipe.species, recipe.codes)
        codes.check_code(contig.name, [one for one in records if isinstance(one, Transcript)], bases, code)
        found_codes[contig.name] = code

    models = pack_genes(
        recipe.genes.path,
        folder / GFF,
        folder / FILES["gene_table"],
        folder / FILES["gene_table_index"],
        lengths={contig.name: contig.length for contig in contigs},
        check=check,
        progress=told("genes", recipe.genes.size),
    )
    for contig in contigs:  # contigs without a row in the GFF3
        found_codes.setdefault(contig.name, codes.code_of(contig.name, False, recipe.species, recipe.codes))
    manifest = _manifest(folder, recipe, contigs, models, found_codes)
    for name in FILES.values():
        sync(folder / name)
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sync(path)
    sync(folder)


def _manifest(
    folder: Path, recipe: Recipe, contigs: list[Contig], models: GeneModels, found_codes: dict[str, int]
) -> dict[str, Any]:
    build = models.facts.get("genome-build", recipe.assembly)
    release = f"{recipe.provider} {recipe.release}".strip() or "own files"
    named = f"{build} ({release})"
    if not recipe.provider and build != recipe.assembly:  # a person's own files have the name that the person chose
        named = f"{recipe.assembly} ({build}, {release})"
    genes = sum(contig.genes for contig in models.contigs)
    return {
        "format": FORMAT,
        "id": recipe.id,
        "title": f"{recipe.organism} {named}".strip(),
        "organism": recipe.organism,
        "version": release,
        "description": f"{build}: {len(contigs):,} sequences with {genes:,} genes of {release}.",
        "assembly": recipe.assembly,
        "release": recipe.release,
        "annotation": dict(sorted(models.facts.items())),
        "sources": [
            {
                "url": source.url,
                "size": source.size,
                "sha256": source.sha256,
                "published_checksum": recipe.published.get(source.url, ""),
                "modified": source.modified,
            }
            for source in (recipe.genome, recipe.genes)
        ],
        "software": {"annotator": __version__, "htslib": bcftools.versions()["htslib"]},
        "genetic_code": codes.STANDARD,
        "hgvs_prefix": "g",
        "contigs": _contigs(recipe, contigs, models, found_codes),
        "lookalikes": [dict(one) for one in recipe.lookalikes],
        "files": {
            kind: {
                "name": name,
                "size": (folder / name).stat().st_size,
                "sha256": of_file(folder / name, "sha256").value,
            }
            for kind, name in FILES.items()
        },
    }


def _contigs(
    recipe: Recipe, contigs: list[Contig], models: GeneModels, found_codes: dict[str, int]
) -> list[dict[str, Any]]:
    told = {contig.name: contig for contig in models.contigs}
    own = [contig.name for contig in contigs]
    said: dict[str, list[str]] = names.from_report(recipe.report, own)
    for name, model in told.items():
        said.setdefault(name, []).extend(model.aliases)
    others = names.aliases(own, said)
    rows = []
    for contig in contigs:
        model = told.get(contig.name, ContigGenes(contig.name))
        mitochondrion = model.mitochondrial or contig.name in names.MITOCHONDRIA
        row: dict[str, Any] = {
            "name": contig.name,
            "length": contig.length,
            "md5": contig.md5,
            "accession": names.accession(contig.name, others[contig.name]),
            "circular": model.circular,
            "aliases": list(others[contig.name]),
            "genes": model.genes,
        }
        if found_codes[contig.name] != codes.STANDARD:
            row["genetic_code"] = found_codes[contig.name]
        if mitochondrion:
            row["hgvs_prefix"] = "m"
        rows.append(row)
    return rows
