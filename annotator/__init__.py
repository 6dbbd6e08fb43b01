"""The annotation library: check a VCF, compute consequences, look up known variants, write the result.

`annotate` works on files; `python -m annotator IN.vcf OUT.vcf.gz --reference rCRS` runs it from a shell.
docs/annotation.md describes what it adds to a file, and what it repairs or refuses.

    from pathlib import Path
    from annotator import annotate, load_reference

    report = annotate(Path("in.vcf"), Path("results"), reference=load_reference("rCRS"))

The names in `__all__` are loaded on first use, because importing the annotation code takes a second.

No Django, AWS or Celery here, except in `tasks` and `heartbeat`, which run in the service's worker. Accounts, jobs and
storage belong in `gas`.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotator.errors import Cancelled, EngineError, InputError
    from annotator.reference.pack import load_reference
    from annotator.run.annotate import annotate
    from annotator.run.options import Limits, Outputs, Report

__all__ = [
    "Cancelled",
    "EngineError",
    "InputError",
    "Limits",
    "Outputs",
    "Report",
    "annotate",
    "load_reference",
]

# More threads in Polars do not pay off: the threads that read, compose and compress are already busy, and several
# workers share a machine. Polars reads this variable once, when it is first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

__version__ = "1.0.0"

_HOMES = {
    "annotator.errors": {"Cancelled", "EngineError", "InputError"},
    "annotator.reference.pack": {"load_reference"},
    "annotator.run.annotate": {"annotate"},
    "annotator.run.options": {"Limits", "Outputs", "Report"},
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
