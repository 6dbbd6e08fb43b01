"""Annotate a VCF against a reference pack: check it, compute consequences, look alleles up.

A library without a web framework or a cloud client: `annotator.run.annotate.annotate` works on files, and
`python -m annotator IN.vcf OUT.vcf.gz --reference rCRS` runs it from a shell. What it adds to a file, and what it
repairs or refuses, is described in docs/annotation.md.
"""

import os

# Several threads of Polars cost more than they bring: those that read, compose and pack are busy already, and a worker
# has neighbours. It looks at this once, when it is first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

__version__ = "1.0.0"
