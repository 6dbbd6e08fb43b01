"""Puts the rows of one contig together: which exon belongs to which transcript, and which transcript to which gene."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from annotator.install.gene_models import styles
from annotator.install.gene_models.model import Gene, Transcript
from annotator.install.gene_models.rows import Row, split_version

_DEEPEST = 8  # levels of parents


@dataclass
class _Found:
    """genes and transcripts by the identifiers of the file; parents: of each row with an ID; rows: their own rows."""

    genes: dict[str, Gene] = field(default_factory=dict)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def genes_of(rows: Iterable[Row]) -> list[Gene]:
    """Return the genes of one contig, in the order in which the file first names them.

    Args:
        rows: All rows of the contig, in any order: a part may come before what it is a part of.
    """
    found = _Found()
    parts: list[tuple[str, Row]] = []
    for row in rows:
        if row.kind in styles.SKIPPED:
            continue
        owners = _owners(row)
        if row.kind in {styles.EXON, styles.CODING, styles.STOP_CODON} or row.kind in styles.UNTRANSLATED:
            parts += [(owner, row) for owner in owners]
        elif identifier := _identifier(row):
            found.rows.setdefault(identifier, row)
            found.parents.setdefault(identifier, owners)
    for owner, row in parts:
        _add_part(_transcript(found, owner, row), row)
    for identifier, row in found.rows.items():
        if not styles.is_gene(row) and _gene_row(found, identifier) is not None:
            _transcript(found, identifier, row)
    return [gene for gene in found.genes.values() if gene.transcripts]


def _identifier(row: Row) -> str:
    if not row.is_gtf:
        return row.first("ID")
    return row.first("gene_id") if row.kind == "gene" else row.first("transcript_id")


def _owners(row: Row) -> list[str]:
    """Return what the row is a part of: of an exon its transcripts, of a transcript its gene."""
    if not row.is_gtf:
        return list(row.tags.get("Parent", ()))
    owner = row.first("gene_id") if row.kind == "transcript" else row.first("transcript_id")
    return [owner] if owner and row.kind != "gene" else []


def _add_part(transcript: Transcript, row: Row) -> None:
    if row.kind == styles.EXON:
        transcript.exons.append((row.start, row.end))
    elif row.kind == styles.CODING:
        transcript.coding.append((row.start, row.end, row.phase))
    elif row.kind == styles.STOP_CODON:
        # GTF leaves the stop codon out of the coding sequence; GFF3 files that have such rows do not.
        if row.is_gtf:
            transcript.coding.append((row.start, row.end, "stop"))
    else:
        transcript.untranslated.append((row.start, row.end))


def _gene_row(found: _Found, identifier: str) -> str | None:
    """Return the identifier of the gene above a row; None if there is none."""
    at = identifier
    for _ in range(_DEEPEST):
        row = found.rows.get(at)
        if row is not None and styles.is_gene(row):
            return at
        above = found.parents.get(at)
        if not above:
            return None
        at = above[0]
    return None


def _transcript(found: _Found, identifier: str, part: Row) -> Transcript:
    """Return the transcript of an identifier; make it, and its gene, if it is new."""
    if identifier in found.transcripts:
        return found.transcripts[identifier]
    row = found.rows.get(identifier, part)
    gene = _gene(found, identifier, part)
    # Bacteria and mitochondria have coding parts directly below the gene: it is its own transcript.
    is_gene = styles.is_gene(row)
    name, version = (gene.name, "") if is_gene else styles.transcript_name(row, identifier.removeprefix("transcript:"))
    if not version:
        name, version = split_version(name)
    transcript = Transcript(
        name=_unique(found, name.removeprefix("rna-")),
        version=version,
        kind="transcript" if is_gene or row is part else row.kind,
        biotype=gene.biotype if is_gene else styles.transcript_biotype(row, gene.biotype),
        tags=() if is_gene else styles.transcript_tags(row),
        start=row.start if identifier in found.rows else 0,
        end=row.end if identifier in found.rows else 0,
    )
    found.transcripts[identifier] = transcript
    gene.transcripts.append(transcript)
    return transcript


def _unique(found: _Found, name: str) -> str:
    """Return a name that no other transcript of the contig has: RefSeq aligns one to several places."""
    number, own = 1, name
    while own in found.names:
        number += 1
        own = f"{name}-{number}"
    found.names.add(own)
    return own


def _gene(found: _Found, transcript: str, part: Row) -> Gene:
    """Return the gene of a transcript; make it if it is new, from the part's own tags if it has no row."""
    identifier = _gene_row(found, transcript) or part.first("gene_id") or transcript
    if identifier not in found.genes:
        row = found.rows.get(identifier, part)
        bare = identifier.removeprefix("gene:").removeprefix("gene-")
        biotype = styles.gene_biotype(row)
        found.genes[identifier] = Gene(
            identifier=bare,
            name=styles.gene_name(row, split_version(bare)[0]),
            kind=styles.gene_kind(row.kind if styles.is_gene(row) else "gene", biotype),
            biotype=biotype,
            description=row.first("description", "product"),
            strand=row.strand,
        )
    return found.genes[identifier]
