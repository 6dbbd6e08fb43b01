"""The schema of a result's Parquet file: every column with its type and a text for people, and the file's metadata.

Pure data, so that readers of the file need neither Polars nor the annotator.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

#: Incremented when columns are added, removed or change their meaning. Files without a version have version 1.
VERSION: Final = 2
#: The key of the file's metadata, whose value is `Metadata` as JSON.
METADATA_KEY: Final = "gas"
#: Another metadata key: JSON with the first and the last row_number of each name in `genes`.
GENES_KEY: Final = "gas.genes"
#: Files with more samples than this have only counts, and no columns for each sample.
MOST_SAMPLES: Final = 50


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TEXTS = "list of texts"
    TRANSCRIPTS = "list of transcripts"


@dataclass(frozen=True)
class Column:
    """A column of the Parquet file.

    name: the name in the file.
    kind: its type.
    label: its heading in a table on a page.
    text: a description for people.
    """

    name: str
    kind: Kind
    label: str
    text: str


def _column(name: str, kind: Kind, label: str, text: str) -> Column:
    return Column(name, kind, label, text)


_T, _I, _N = Kind.TEXT, Kind.INTEGER, Kind.NUMBER
#: The columns of every file, in order, followed by those of sources, those of samples, and TRANSCRIPTS.
COLUMNS: Final = (
    _column("contig", _T, "Contig", "Chromosome or other sequence, as the uploaded file names it"),
    _column("pos", _I, "Position", "Position of the first base of REF, counted from 1"),
    _column("id", _T, "ID", "Identifiers from the uploaded file, joined by ;"),
    _column("ref", _T, "REF", "Bases of the reference"),
    _column("alt", _T, "ALT", "This allele: bases, or a symbol such as <DEL>; empty if the record has no ALT allele"),
    _column("type", _T, "Type", "SNV, insertion, deletion, MNV or other; empty for *, . and placeholders of gVCF"),
    _column("gene", _T, "Gene", "Genes that the allele touches; where there is none, the named region (D-loop, OriL)"),
    _column("consequence", _T, "Consequence", "Most severe consequence over all transcripts, a Sequence Ontology term"),
    _column("impact", _T, "Impact", "Impact of the most severe consequence: HIGH, MODERATE, LOW or MODIFIER"),
    _column("hgvs_g", _T, "HGVS g.", "Change of the allele on the reference, in HGVS notation"),
    _column("hgvs_c", _T, "HGVS c.", "Change on the transcript that matters most, in HGVS notation"),
    _column("hgvs_c_flag", _T, "Flag", "Flag of that transcript: MANE_Select, MANE_Plus_Clinical or Ensembl_canonical"),
    _column("hgvs_p", _T, "HGVS p.", "Changes of proteins, each once, in HGVS notation"),
    _column("transcript", _T, "Transcript", "The transcript that matters most"),
    _column("gene_id", _T, "Gene ID", "Identifier of the gene of that transcript"),
    _column("biotype", _T, "Biotype", "Biotype of that transcript, such as protein_coding"),
    _column("exon", _T, "Exon", "Exon of that transcript, and how many it has: 2/5"),
    _column("intron", _T, "Intron", "Intron of that transcript, and how many it has: 1/4"),
    _column("codons", _T, "Codons", "Codons before and after the change, changed bases in upper case"),
    _column("amino_acids", _T, "Amino acids", "Amino acids before and after the change"),
    _column("protein_position", _T, "Protein position", "Position in the protein of that transcript"),
    _column("transcripts", _I, "Transcripts", "How many transcripts the allele touches"),
    _column("transcripts_coding", _I, "Coding", "In how many of them it touches the coding sequence"),
    _column("n_high", _I, "HIGH", "In how many transcripts its impact is HIGH"),
    _column("n_moderate", _I, "MODERATE", "In how many transcripts its impact is MODERATE"),
    _column("n_low", _I, "LOW", "In how many transcripts its impact is LOW"),
    _column("n_modifier", _I, "MODIFIER", "In how many transcripts its impact is MODIFIER"),
    _column("phased", _T, "Phased", "What the allele does together with neighbors on the same molecule"),
    _column("known", _T, "Known disease", "Diseases that the allele is known to be associated with"),
    _column("known_source", _T, "Source of disease", "Where the association is described"),
    _column("qual", _N, "QUAL", "Quality of the record, from the uploaded file"),
    _column("filter", _T, "FILTER", "Filters from the uploaded file: PASS, or those that failed, joined by ;"),
    _column("end", _I, "End", "Last position that the allele replaces: of REF, or INFO/END of a symbolic allele"),
    _column("row_number", _I, "Row", "Number of this row, from 0: the order of the file, by contig and position"),
    _column("record", _I, "Record", "Number of the VCF record that the allele is from, from 0"),
    _column("allele_number", _I, "Allele", "Number of the allele in its record, from 1; 0 without an ALT allele"),
    _column("genes", Kind.TEXTS, "All genes", "Names of the genes that the allele touches, or of the named region"),
    _column("terms", Kind.TEXTS, "All terms", "Sequence Ontology terms of all transcripts, each once"),
    _column("term_bits", _I, "Term bits", "The same terms as a number: bit N for term N in the order of severity"),
    _column(
        "significance",
        _T,
        "Clinical significance",
        "What the classification of a clinical source (CLNSIG) comes to: pathogenic, likely_pathogenic, conflicting, "
        "uncertain, benign or other; empty if no source has one",
    ),
    _column("samples_het", _I, "Het", "How many samples are heterozygous for the allele"),
    _column("samples_hom", _I, "Hom", "How many samples have no other allele; haploid calls count here"),
    _column("samples_called", _I, "Called", "How many samples have a complete genotype, or the allele"),
)
#: The columns of each sample. Their names begin with s1_, s2_ … in the file's order of samples.
SAMPLE_COLUMNS: Final = (
    _column("gt", _T, "Genotype", "GT as in the file"),
    _column(
        "zygosity",
        _T,
        "Zygosity",
        "het: has this allele and another one, or one that is not known; hom: has nothing else, as haploid calls do; "
        "absent: is called and does not have it; empty: not called",
    ),
    _column("dp", _I, "Depth", "DP: reads at the position"),
    _column("gq", _I, "Genotype quality", "GQ, a phred score"),
    _column("ad_ref", _I, "REF reads", "Reads with REF, from AD"),
    _column("ad_alt", _I, "ALT reads", "Reads with this allele, from AD"),
    _column("ab", _N, "Allele balance", "Share of the reads in AD that have this allele, 0 to 1"),
    _column(
        "hf",
        _N,
        "Heteroplasmy",
        "On mitochondria, the share of molecules with this allele, 0 to 1: HF or AF, else the allele balance",
    ),
)
TRANSCRIPTS: Final = _column(
    "csq", Kind.TRANSCRIPTS, "All transcripts", "Consequences on each transcript, or the gene nearby; see its fields"
)
#: Fields of each entry of TRANSCRIPTS, all of them text: name, field of INFO/CSQ, description.
TRANSCRIPT_FIELDS: Final = (
    ("transcript", "Feature", "Name of the transcript; empty if the allele touches none"),
    ("gene", "SYMBOL", "Name of its gene, or of the gene nearby"),
    ("gene_id", "Gene", "Identifier of the gene"),
    ("biotype", "BIOTYPE", "Biotype, such as protein_coding"),
    ("strand", "STRAND", "1 or -1"),
    ("terms", "Consequence", "Sequence Ontology terms, joined by &"),
    ("impact", "IMPACT", "HIGH, MODERATE, LOW or MODIFIER"),
    ("hgvs_c", "HGVSc", "Change on the transcript"),
    ("hgvs_p", "HGVSp", "Change of the protein"),
    ("exon", "EXON", "Exon, and how many there are"),
    ("intron", "INTRON", "Intron, and how many there are"),
    ("codons", "Codons", "Codons before and after the change"),
    ("amino_acids", "Amino_acids", "Amino acids before and after the change"),
    ("cdna_position", "cDNA_position", "Position in the transcript"),
    ("cds_position", "CDS_position", "Position in the coding sequence"),
    ("protein_position", "Protein_position", "Position in the protein"),
    ("distance", "DISTANCE", "Bases to the gene nearby"),
    ("mane", "MANE", "MANE_Select or MANE_Plus_Clinical"),
    ("canonical", "CANONICAL", "YES for the canonical transcript"),
    ("picked", "PICK", "1 for the transcript that matters most"),
)


@dataclass(frozen=True)
class SourceColumn:
    """A column that an installed source has added.

    Attributes:
        name: the name in the file.
        tag: the tag in INFO.
        kind: Kind.NUMBER, INTEGER or TEXT.
        text: the tag's description.
        source, version: of the source, as in the header of the VCF.
    """

    name: str
    tag: str
    kind: Kind
    text: str
    source: str
    version: str


@dataclass(frozen=True)
class Metadata:
    """The metadata of a file.

    version: of the schema.
    samples: names, in the file's order, of all samples.
    contigs: names and lengths (0 if not declared), as in the header of the VCF.
    sources: the columns of sources, in order.
    """

    version: int = 1
    samples: tuple[str, ...] = ()
    contigs: tuple[tuple[str, int], ...] = ()
    sources: tuple[SourceColumn, ...] = field(default=())

    @property
    def has_genotypes(self) -> bool:
        """Whether each sample has columns of its own."""
        return 0 < len(self.samples) <= MOST_SAMPLES

    def to_json(self) -> str:
        """Return the metadata as the value of METADATA_KEY."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Metadata":
        """Inverse of `to_json`. Raises ValueError, KeyError or TypeError for other texts."""
        found: dict[str, Any] = json.loads(text)
        return cls(
            version=int(found["version"]),
            samples=tuple(found["samples"]),
            contigs=tuple((name, int(length)) for name, length in found["contigs"]),
            sources=tuple(SourceColumn(**{**one, "kind": Kind(one["kind"])}) for one in found["sources"]),
        )


def sample_column(number: int, name: str) -> str:
    """Return the name of a sample's column. number: of the sample, from 1. name: one of SAMPLE_COLUMNS."""
    return f"s{number}_{name}"


def columns_of(metadata: Metadata) -> list[Column]:
    """Return all columns of a file of this VERSION, in order."""
    of_sources = [Column(one.name, one.kind, one.tag, one.text) for one in metadata.sources]
    of_samples = [
        Column(sample_column(number, one.name), one.kind, f"{sample} {one.label}", one.text)
        for number, sample in enumerate(metadata.samples if metadata.has_genotypes else (), 1)
        for one in SAMPLE_COLUMNS
    ]
    return [*COLUMNS, *of_sources, *of_samples, TRANSCRIPTS]
