"""The numbers of a run, counted as the records go by, and the first annotated alleles for a table."""

from collections import Counter
from typing import Any

from annotator.alleles import is_transition
from annotator.compose import Allele
from annotator.known import KnownVariant
from annotator.preflight.records import Record
from annotator.sources.lookup import by_allele

PREVIEW = 100
NOT_PREDICTED = "not_predicted"
TYPES = ("SNV", "insertion", "deletion", "MNV", "other")


class Summary:
    """Counts alleles. Its memory does not grow with the records, only with the genes and known variants."""

    def __init__(self) -> None:
        self.records = 0
        self.alleles = 0
        self.types: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.consequences: Counter[str] = Counter()
        self.genes: Counter[str] = Counter()
        self.transitions = 0
        self.transversions = 0
        #: Combinations of alleles that are certain to lie on one molecule, and of which csq has something to say.
        self.phased = 0
        self.preview: list[dict[str, Any]] = []
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, record: Record, alleles: list[Allele], added: str = "") -> None:
        """Count a record; added is what its INFO gets from sources."""
        self.records += 1
        for number, allele in enumerate(alleles):
            if not allele.counts:
                continue
            self.alleles += 1
            self.types[allele.type] += 1
            self.consequences[allele.term or NOT_PREDICTED] += 1
            for gene in allele.genes:
                self.genes[gene] += 1
            if allele.change is not None and allele.type == "SNV":
                if is_transition(allele.change):
                    self.transitions += 1
                else:
                    self.transversions += 1
            if allele.known is not None:
                self._add_known(allele.known)
            if len(self.preview) < PREVIEW:
                self.preview.append(_row(record, allele) | {"sources": by_allele(added, number)})

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
        """Return the known variants that were found, along the genome, each with the number of records."""
        return sorted(self._known.values(), key=lambda row: (row["contig"], row["pos"], row["alt"]))

    def as_dict(self) -> dict[str, Any]:
        """Return what docs/annotation.md describes as the summary, as far as it is about alleles."""
        snvs = self.transversions
        return {
            "alleles": self.alleles,
            "variant_types": dict(self.types),
            "titv": {
                "transitions": self.transitions,
                "transversions": self.transversions,
                "ratio": round(self.transitions / snvs, 4) if snvs else None,
            },
            "consequences": dict(sorted(self.consequences.items(), key=lambda item: (-item[1], item[0]))),
            "genes": [
                {"gene": gene, "count": count}
                for gene, count in sorted(self.genes.items(), key=lambda item: (-item[1], item[0]))
            ],
            "phased_combinations": self.phased,
            "known": self.known(),
        }


def _row(record: Record, allele: Allele) -> dict[str, Any]:
    chrom, pos, id_, _, _, qual, filter_ = record.left.split("\t")
    proteins = allele.proteins
    return {
        "chrom": _text(chrom),
        "pos": int(pos),
        "id": _text(id_),
        "ref": record.ref,
        "alt": _text(allele.alt),
        "type": allele.type,
        "gene": ", ".join(allele.genes),
        "consequence": allele.term,
        "protein": proteins[0][1] if len(proteins) == 1 else "; ".join(f"{gene} {text}" for gene, text in proteins),
        "change": allele.hgvs_g,
        "known": allele.known.disease if allele.known else "",
        "known_source": allele.known.source if allele.known else "",
        "qual": qual,
        "filter": _text(filter_),
    }


def _text(value: str) -> str:
    """Text of the file, which was read as Latin-1, for people."""
    return value.encode("latin-1").decode("utf-8", "replace")
