"""The fast path for large files: many records at once, in compiled loops (Numba), to the same bytes as one by one.

Most records of a large file are plain: a change of a few bases, on a contig and with tags that are known by then, whose
REF fits. `scan` finds these in a block of lines, and leaves the others to the checks of annotator.preflight, in their
place (`plain`). So it does with lines whose neighbors may lie on one molecule with them (`neighbors`). `alleles` brings
the changes of plain records to normal form, `known` looks into the sources, and `clinical` counts what these say. Away
from exons the consequences of a change depend only on where it lies (`places`), so they are described once for each
stretch of the contig; every other allele is described by annotator.run.composer (`kinds`). `numbering` describes all on
their transcripts, and `lines` writes them.

A small file has no need of it: all but `cutting` is imported when the first block is there.
"""
