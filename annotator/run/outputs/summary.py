"""The counts of a run, updated with each record, and the first annotated alleles for a preview table.

Texts from the file are shortened here, before they are kept for display: see annotator.bounds.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from annotator import bounds
from annotator.effects import info_tags
from annotator.effects.allele import is_transition
from annotator.preflight.record import Record
from annotator.reference.known_variants import KnownVariant
from annotator.run.composer import Allele
from annotator.sources.findings import Findings, Place, of_file
from annotator.sources.lookup import by_allele

PREVIEW = 100
NOT_PREDICTED = "not_predicted"
_HGVS_C = list(info_tags.DESCRIPTIONS).index(info_tags.HGVS_C)
TYPES = ("SNV", "insertion", "deletion", "MNV", "other")


class Summary:
    """Counts alleles. Its memory grows with the number of genes and known variants, not with the number of records."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.records = 0
        self.alleles = 0
        self.types: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.consequences: Counter[str] = Counter()
        self.genes: Counter[str] = Counter()
        self.transitions = 0
        self.transversions = 0
        #: Number of combinations of alleles that are certain to lie on one molecule and have a predicted protein.
        self.phased = 0
        self.preview: list[dict[str, Any]] = []
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, record: Record, alleles: list[Allele], added: str = "") -> None:
        """Count a record.

        Args:
            record: the record.
            alleles: its annotated ALT alleles.
            added: the INFO entries from sources.
        """
        self.records += 1
        clinical = bool(added) and self.findings.mentioned(added)
        for number, allele in enumerate(alleles):
            if not allele.counts:
                continue
            self.alleles += 1
            self.types[allele.type] += 1
            self.consequences[allele.term or NOT_PREDICTED] += 1
            for gene in allele.genes:
                self.genes[gene] += 1
            if allele.change is not None and allele.type == "SNV" and allele.change.ref != "N":
                if is_transition(allele.change):
                    self.transitions += 1
                else:
                    self.transversions += 1
            if allele.known is not None:
                self._add_known(allele.known)
            finding = False
            if clinical or allele.known is not None:
                values = by_allele(added, number)
                position = record.contig, allele.change.pos if allele.change else record.pos
                place = partial(_place, record, allele)
                finding = self.findings.add(values, place, position, known=allele.known is not None)
            if len(self.preview) < PREVIEW:
                self.preview.append(_row(record, allele, by_allele(added, number)) | {"finding": finding})

    def _add_known(self, known: KnownVariant) -> None:
        row = self._known.setdefault(
            (known.contig, known.change),
            {
                "change": known.change,
                "gene": known.gene,
                "protein": known.protein,
                "disease": known.disease,
                "disease_name": known.disease_name,
                "source": known.source,
                "contig": known.contig,
                "pos": known.pos,
                "ref": known.ref,
                "alt": known.alt,
                "count": 0,
            },
        )
        row["count"] += 1

    def known(self) -> list[dict[str, Any]]:
        """Return the known variants that were found, in genome order, each with its number of records."""
        return sorted(self._known.values(), key=lambda row: (row["contig"], row["pos"], row["alt"]))

    def rows(self) -> list[Mapping[str, Any]]:
        """Return the first annotated alleles, up to the limits of the preview."""
        return bounds.rows_within(self.preview, bounds.PREVIEW_BYTES)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts of the summary that are about alleles; docs/annotation.md describes them."""
        snvs = self.transversions
        genes = sorted(self.genes.items(), key=lambda item: (-item[1], item[0]))
        known = self.known()
        return {
            "alleles": self.alleles,
            "variant_types": dict(self.types),
            "titv": {
                "transitions": self.transitions,
                "transversions": self.transversions,
                "ratio": round(self.transitions / snvs, 4) if snvs else None,
            },
            "consequences": dict(sorted(self.consequences.items(), key=lambda item: (-item[1], item[0]))),
            "genes": [{"gene": gene, "count": count} for gene, count in genes[: bounds.GENES]],
            "phased_combinations": self.phased,
            "known": known[: bounds.FINDINGS],
            "findings": self.findings.as_dict(),
            "omitted": {
                "genes": max(0, len(genes) - bounds.GENES),
                "known": max(0, len(known) - bounds.FINDINGS),
            },
        }


def _place(record: Record, allele: Allele) -> Place:
    return Place(
        record.contig,
        record.pos,
        record.ref,
        allele.alt,
        allele.hgvs_g,
        list(allele.genes),
        allele.term,
        list(allele.proteins),
    )


def _row(record: Record, allele: Allele, said: Mapping[str, str]) -> dict[str, Any]:
    """Return an allele as a row of the preview; `said` has its annotations from sources, by tag."""
    chrom, pos, id_, _, _, qual, filter_ = record.left.split("\t")
    proteins = allele.proteins
    texts = {
        "chrom": of_file(chrom),
        "id": of_file(id_),
        "ref": record.ref,
        "alt": of_file(allele.alt),
        "type": allele.type,
        "gene": ", ".join(allele.genes),
        "consequence": allele.term,
        "protein": proteins[0][1] if len(proteins) == 1 else "; ".join(f"{gene} {text}" for gene, text in proteins),
        "change": allele.hgvs_g,
        "transcript": unquote(allele.values[_HGVS_C]),
        "known": allele.known.disease if allele.known else "",
        "known_source": allele.known.source if allele.known else "",
        "qual": qual,
        "filter": of_file(filter_),
    }
    return {
        "pos": int(pos),
        **{name: bounds.text(value) for name, value in texts.items()},
        "sources": {tag: bounds.text(of_file(value)) for tag, value in said.items()},
    }
