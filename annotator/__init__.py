"""The annotation library: check a VCF, compute consequences, look up known variants, write the result.

`annotator.run.annotate.annotate` works on files; `python -m annotator IN.vcf OUT.vcf.gz --reference rCRS` runs it from
a shell. docs/annotation.md describes what it adds to a file, and what it repairs or refuses.

No Django, no AWS and no Celery here, except in `tasks` and `heartbeat`, the worker of the service. Accounts, jobs and
storage belong in `gas`.
"""

import os

# Several threads of Polars cost more than they bring: those that read, compose and pack are busy already, and a worker
# has neighbours. It looks at this once, when it is first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

__version__ = "1.0.0"
