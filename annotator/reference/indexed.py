"""Gene models in an indexed table: each lookup reads only the rows that it needs."""

import os
import weakref
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from annotator.effects.genes import Record
from annotator.reference.gene_models import NOTHING, ByContig, ContigModels, Intervals
from annotator.reference.gene_table import Index, Rows, record_of

CONTIGS_KEPT = 64  # indexes in memory; that of a human chromosome has several hundred kilobytes
BLOCK, BLOCKS_KEPT = 16 * 1024, 64  # bytes read from the table at once: neighbors have adjacent rows
RECORDS_KEPT = 2048  # rows in memory; input files are sorted by position


class Indexed(ByContig):
    """The gene models of a table. Safe to share between threads, and with a forked process."""

    def __init__(self, table: Path, index: Path, genetic_codes: Mapping[str, int]) -> None:
        """Open a table.

        Args:
            table: See annotator.reference.gene_table.
            index: The index of the table.
            genetic_codes: NCBI's number of each contig's genetic code.
        """
        self._index = Index(index)
        self._codes = genetic_codes
        self._file = os.open(table, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        # Caches of this object, freed with it.
        self._contig = lru_cache(maxsize=CONTIGS_KEPT)(self._open)
        self._block = lru_cache(maxsize=BLOCKS_KEPT)(self._read_block)
        self._record = lru_cache(maxsize=RECORDS_KEPT)(self._read)
        #: Number of rows that have been read.
        self.rows_read = 0

    def of(self, contig: str) -> ContigModels:
        """See ByContig."""
        return self._contig(contig)

    def _open(self, contig: str) -> ContigModels:
        def intervals(rows: Rows) -> Intervals[Any]:
            return Intervals(rows.starts, rows.ends, lambda n: self._record(contig, rows.places[n], rows.sizes[n]))

        found = list(map(intervals, self._index.rows(contig)))
        return ContigModels(*found) if found else NOTHING

    def _read(self, contig: str, begin: int, size: int) -> Record:
        self.rows_read += 1
        block, at = divmod(begin, BLOCK)
        row = self._block(block)[at : at + size]
        if len(row) < size:
            row = os.pread(self._file, size, begin)
        return record_of(row.decode(), contig, self._codes[contig])

    def _read_block(self, number: int) -> bytes:
        return os.pread(self._file, BLOCK, number * BLOCK)
