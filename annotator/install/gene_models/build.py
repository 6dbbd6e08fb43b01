"""Assemble the rows of one contig: assign exons to transcripts, and transcripts to genes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from annotator.install.gene_models import styles
from annotator.install.gene_models.model import Gene, Transcript, inside
from annotator.install.gene_models.rows import Row, split_version

_DEEPEST = 8  # maximum number of levels of parents
#: The transcript_id in NCBI's GTF of any gene without transcripts; it occurs many times on one contig.
_NO_TRANSCRIPT = "unknown_transcript_"

#: Identifies a gene or a transcript on its contig. In GTF, a gene and a transcript, or transcripts of several genes,
#: may have the same name, so the key includes the kind and the gene.
Key = tuple[str, ...]


@dataclass
class _Found:
    """The rows that have been read from a contig.

    genes, transcripts: by key.
    rows: the row of each gene and transcript itself.
    parents: the keys of each row's parents.
    names: names of transcripts with their versions, which are unique.
    """

    genes: dict[Key, Gene] = field(default_factory=dict)
    transcripts: dict[tuple[Key, Key], Transcript] = field(default_factory=dict)
    rows: dict[Key, Row] = field(default_factory=dict)
    parents: dict[Key, list[Key]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def genes_of(rows: Iterable[Row]) -> list[Gene]:
    """Return the genes of one contig, in the order in which the file first names them.

    Args:
        rows: All rows of the contig, in any order: a part may come before its parent.
    """
    found = _Found()
    parts: list[tuple[Key, Row]] = []
    for row in rows:
        if row.kind in styles.SKIPPED:
            continue
        owners = _owners(row)
        if row.kind in {styles.EXON, styles.CODING, styles.STOP_CODON} or row.kind in styles.UNTRANSLATED:
            parts += [(owner, row) for owner in owners]
        elif key := _key(row):
            found.rows.setdefault(key, row)
            found.parents.setdefault(key, owners)
    for owner, row in parts:
        for transcript in _transcripts(found, owner, row):
            _add_part(transcript, row)
    _add_without_parts(found)
    for gene in found.genes.values():
        _join_mature(gene)
    return [gene for gene in found.genes.values() if gene.transcripts]


def _add_without_parts(found: _Found) -> None:
    """Add transcripts without parts, and then one for each gene without transcripts."""
    for key, row in found.rows.items():
        if not styles.is_gene(row) and styles.is_transcript(row) and _genes_above(found, key):
            _transcripts(found, key, row)
    for key, row in found.rows.items():
        if styles.is_gene(row):
            gene = _gene(found, key, row)
            if not gene.transcripts:
                gene.transcripts.append(_whole(found, gene, row))


def _join_mature(gene: Gene) -> None:
    """Move mature microRNA products from the gene's transcripts to the hairpin that contains them."""
    hairpins = [one for one in gene.transcripts if one.is_hairpin]
    for product in [one for one in gene.transcripts if one.is_mature] if hairpins else ():
        spans = product.exons or [(product.start, product.end)]
        for hairpin in hairpins:
            exons = hairpin.exons or [(hairpin.start, hairpin.end)]
            if product.strands <= hairpin.strands and all(inside(*span, exons) for span in spans):
                hairpin.mature = sorted(hairpin.mature + spans)
                gene.transcripts.remove(product)
                break


def _whole(found: _Found, gene: Gene, row: Row) -> Transcript:
    """Return a transcript for a gene without any, such as NCBI's pseudogenes: the whole gene is one exon."""
    name = _unique(found, gene.name, "")
    return Transcript(name, biotype=gene.biotype or "misc_RNA", strands={row.strand}, start=row.start, end=row.end)


def _key(row: Row) -> Key | None:
    """Return the key of a row; None if it has none."""
    if not row.is_gtf:
        identifier = row.first("ID")
        return (identifier,) if identifier else None
    if row.kind == "gene":
        return ("gene", row.first("gene_id"))
    return ("transcript", row.first("gene_id"), row.first("transcript_id")) if row.first("transcript_id") else None


def _owners(row: Row) -> list[Key]:
    """Return the keys of a row's parents: the transcripts of an exon, or the genes of a transcript."""
    if not row.is_gtf:
        return [(parent,) for parent in row.tags.get("Parent", ())]
    gene = row.first("gene_id")
    if row.kind == "gene":
        return []
    if row.kind == "transcript":
        return [("gene", gene)]
    return [("transcript", gene, row.first("transcript_id"))]


def _add_part(transcript: Transcript, row: Row) -> None:
    transcript.strands.add(row.strand)
    if row.kind == styles.EXON:
        transcript.exons.append((row.start, row.end))
    elif row.kind == styles.CODING:
        transcript.coding.append((row.start, row.end, row.phase))
        transcript.protein_id = transcript.protein_id or row.first("protein_id")
    elif row.kind == styles.STOP_CODON:
        # GTF leaves the stop codon out of the coding sequence; GFF3 files that have such rows do not.
        if row.is_gtf:
            transcript.coding.append((row.start, row.end, "stop"))
    else:
        transcript.untranslated.append((row.start, row.end))


def _genes_above(found: _Found, key: Key) -> list[Key]:
    """Return the genes of a row: the row itself, or its ancestors."""
    level = [key]
    for _ in range(_DEEPEST):
        genes = [one for one in level if one in found.rows and styles.is_gene(found.rows[one])]
        if genes:
            return genes
        level = list(dict.fromkeys(above for one in level for above in found.parents.get(one, ())))
        if not level:
            break
    return []


def _transcripts(found: _Found, key: Key, part: Row) -> list[Transcript]:
    """Return the transcripts with a key, one for each of its genes; create missing ones."""
    above = _genes_above(found, key) or ([("gene", part.first("gene_id"))] if part.first("gene_id") else [key])
    return [_transcript(found, key, gene, part) for gene in above]


def _transcript(found: _Found, key: Key, gene_key: Key, part: Row) -> Transcript:
    if (key, gene_key) in found.transcripts:
        return found.transcripts[key, gene_key]
    row = found.rows.get(key)
    gene = _gene(found, gene_key, part)
    # In bacteria and mitochondria, coding segments are direct children of the gene, which is its own transcript.
    if row is not None and not styles.is_gene(row):
        name, version = styles.transcript_name(row, key[-1].removeprefix("transcript:"))
    elif row is None and not key[-1].startswith(_NO_TRANSCRIPT) and key != gene_key:
        name, version = key[-1], ""
    else:
        row, name, version = None, gene.name, ""
    name = name.removeprefix("rna-").removeprefix("id-")
    if not version:
        name, version = split_version(name)
    word = styles.mirna_word(row) if row else ""
    transcript = Transcript(
        name=_unique(found, name, version),
        version=version,
        kind=row.kind if row else "transcript",
        biotype=styles.transcript_biotype(row) if row else "",
        tags=styles.transcript_tags(row) if row else (),
        strands={row.strand} if row else set(),
        start=row.start if row else 0,
        end=row.end if row else 0,
        is_hairpin=word in styles.HAIRPINS,
        is_mature=word == styles.MATURE,
    )
    found.transcripts[key, gene_key] = transcript
    gene.transcripts.append(transcript)
    return transcript


def _unique(found: _Found, name: str, version: str) -> str:
    """Return a name that is unique on the contig: RefSeq aligns some transcripts to several places."""
    number, own = 1, name
    while f"{own}.{version}" in found.names:
        number += 1
        own = f"{name}-{number}"
    found.names.add(f"{own}.{version}")
    return own


def _gene(found: _Found, key: Key, part: Row) -> Gene:
    """Return the gene with a key; create it if it is new, from the tags of its part if it has no row."""
    if key not in found.genes:
        row = found.rows.get(key, part)
        bare = key[-1].removeprefix("gene:").removeprefix("gene-").removeprefix("id-")
        biotype = styles.gene_biotype(row)
        found.genes[key] = Gene(
            identifier=bare,
            name=styles.gene_name(row, split_version(bare)[0]),
            kind=styles.gene_kind(row.kind if styles.is_gene(row) else "gene", biotype),
            biotype=biotype,
            description=row.first("description", "product"),
            strand=row.strand,
        )
    return found.genes[key]
