"""The quick way through: many records at once, in compiled loops (Numba), to the very bytes that one by one would give.

Most records of a large file are plain: a change of a few bases, on a contig and with tags that are known by then, whose
REF fits. `scan` finds these in a block of lines, and leaves the others to the checks of annotator.preflight, in their
place (`plain`). So it does with lines whose neighbours may lie on one molecule with them (`neighbours`). `alleles`
brings what plain ones change to normal form, `asking` puts to csq what only it can tell, `known` looks into the
sources. What can be said of a plain change depends on where it lies, of which a contig has far fewer kinds than
positions (`places`), and on csq's answer; so each such pair is described once, by annotator.compose (`kinds`), and
written many times (`numbering`, `lines`).

A small file has no need of it: all but `cutting` is imported when the first block is there.
"""
