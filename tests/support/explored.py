"""A result's table, opened as the explorer opens it."""

from dataclasses import dataclass
from pathlib import Path

from django.http import QueryDict

from gas.explorer import native
from gas.explorer.database import Database
from gas.explorer.files import LocalFile
from gas.explorer.filters import State, form_for
from tests.support.annotated_vcf import Allele


@dataclass(frozen=True)
class Explored:
    """vcf: the annotated file. database: its table, open. alleles: what is in it."""

    vcf: Path
    database: Database
    alleles: list[Allele]

    def state(self, query: str) -> State:
        """Return what an address asks for."""
        form = form_for(self.database.columns, QueryDict(query))
        assert form.is_valid(), form.errors
        return form.state()


def open_parquet(parquet: Path) -> Database:
    """Open a table as the service does, with the file of rows next to it."""
    rows = parquet.with_suffix(native.ENDING)
    if not rows.exists():
        native.make(parquet, rows, memory_bytes=256 * 1024**2, temporary=parquet.parent)
    return Database(LocalFile(parquet, parquet.open("rb")), LocalFile(rows, rows.open("rb")))
