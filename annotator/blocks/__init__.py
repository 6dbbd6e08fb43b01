"""The quick way through: many records at once, in columns (Polars), to the very bytes that one by one would give.

Most records of a large file are plain: a change of a few bases, on a contig and with tags that are known by then, whose
REF fits. `plain` finds these in a block of lines, and leaves the others to the checks of annotator.preflight, in their
place. What can be said of a plain change depends on where it lies, of which a contig has far fewer kinds than positions
(`places`), and on csq's answer; so each such pair is described once, by annotator.compose, and written many times
(`block`).

Polars must not be there before a worker process forks, and a small file has no need of it: all but `cutting` is
imported when the first block is there.
"""
