"""Known disease-associated variants of a reference pack."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotator.effects.allele import shortest
from annotator.effects.hgvs_genomic import genomic
from annotator.formats.fasta import Sequence


@dataclass(frozen=True)
class KnownVariant:
    """One row of known_variants.tsv. protein: HGVS ("" for RNA genes); source: a database or a publication."""

    contig: str
    pos: int
    ref: str
    alt: str
    change: str
    gene: str
    protein: str
    disease: str
    disease_name: str
    source: str


class KnownVariants:
    """Looks up known variants by contig and genomic HGVS, so that every way to write an allele finds it."""

    def __init__(self, table: Path | None, sequence: Sequence, prefix: str) -> None:
        self._found: dict[tuple[str, str], KnownVariant] = {}
        if table is None:
            return
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
            for row in rows:
                change = genomic(shortest(int(row["pos"]), row["ref"], row["alt"]), row["contig"], sequence, prefix)
                self._found[row["contig"], change] = KnownVariant(
                    contig=row["contig"],
                    pos=int(row["pos"]),
                    ref=row["ref"],
                    alt=row["alt"],
                    change=change,
                    gene=row["gene"],
                    protein=row["protein"],
                    disease=row["disease"],
                    disease_name=row["disease_name"],
                    source=row["source"],
                )

    def get(self, contig: str, change: str) -> KnownVariant | None:
        return self._found.get((contig, change))

    def __iter__(self) -> Iterator[KnownVariant]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)
