"""Annotate one file: the entry point of the library."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from annotator import __version__
from annotator.formats import bcftools
from annotator.preflight.build_detection.header_build import Installed
from annotator.preflight.sniff import sniff
from annotator.reference.pack import Reference
from annotator.run.attempt import INDEX, RESULT, SUMMARY, Attempt
from annotator.run.context import RunContext
from annotator.run.garbage import relaxed_gc
from annotator.run.options import Limits, Outputs, Progress, Report
from annotator.run.outputs.readback import Unreadable
from annotator.run.outputs.run_log import Log
from annotator.run.stream import Unsorted
from annotator.sources.lookup import Lookups
from annotator.sources.manifest import Source
from annotator.tables import PARQUET, STATS, TSV

LOG = "log.txt"


@relaxed_gc()
def annotate(
    source: Path,
    out_dir: Path,
    *,
    reference: Reference,
    sources: Sequence[Source] = (),
    limits: Limits = Limits(),
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    provenance: Mapping[str, str] = MappingProxyType({}),
    installed: Installed = tuple,
    outputs: Outputs = Outputs(),
) -> Report:
    """Annotate a VCF or BCF file against a reference.

    Writes annot.vcf.gz, annot.vcf.gz.tbi, log.txt, summary.json, and the files that `outputs` asks for. A run that
    raises leaves only log.txt.

    Args:
        source: the input file.
        out_dir: an existing folder for the outputs.
        reference: the reference pack to annotate against.
        sources: known variants to look up.
        limits: the limits of the run: sizes, memory and time.
        on_progress: called from the calling thread at each change of stage, and otherwise at most twice a second.
        cancelled: called from the calling thread about ten times a second; True ends the run.
        provenance: facts for the header and the log, by name.
        installed: returns the references that the file may belong to. Called from another thread, and only if the
            file does not fit `reference`.
        outputs: options of the annotated file, and further files to write.

    Returns:
        The counts, repairs, summary and preview of the run.

    Raises:
        InputError: the file cannot be annotated.
        EngineError: the annotator failed.
        Cancelled: `cancelled` returned True.
    """
    with tempfile.TemporaryDirectory(dir=out_dir, prefix="work-") as folder:
        context = RunContext(
            source=source,
            out_dir=out_dir,
            work_dir=Path(folder),
            reference=reference,
            sources=sources,
            limits=limits,
            outputs=outputs,
            provenance=provenance,
            installed=installed,
            on_progress=on_progress,
            cancelled=cancelled,
        )
        log = _log(context)
        try:
            report = _annotate(context, log)
        except Exception as error:
            for name in (RESULT, INDEX, SUMMARY, TSV, PARQUET, STATS):
                (out_dir / name).unlink(missing_ok=True)
            log.write(out_dir / LOG, error)
            raise
        else:
            log.write(out_dir / LOG, None)
            return report
        finally:
            if log.journal is not None:
                log.journal.close()


def _log(context: RunContext) -> Log:
    reference = context.reference
    log = Log(context.provenance)
    log.facts = [
        ("annotator", __version__),
        ("libraries", context.libraries),
        *context.outputs.facts.items(),
        ("reference", f"{reference.id} {reference.version}: {reference.title}"),
        ("pack checksum", f"sha256:{reference.checksum}"),
    ]
    return log


def _annotate(context: RunContext, log: Log) -> Report:
    bcftools.SERVER.prepare()
    context.tell("preflight", 0, now=True)
    sniffed = sniff(context.source)
    log.facts.append(("input", f"{sniffed.packing}, {context.source.stat().st_size:,} bytes"))
    # Opened once: if a newer version of a source is installed meanwhile, this run keeps the version that it opened.
    with Lookups(context.sources, context.reference) as lookups:
        log.facts += lookups.facts().items()
        unsorted_line: int | None = None
        strict = False
        # Most files are sorted and valid, so the first attempt assumes both. If it fails, the next attempt sorts the
        # records, or checks every value of every sample.
        while True:
            try:
                return Attempt(context, log, sniffed, lookups, unsorted_line=unsorted_line, strict=strict).report()
            except Unsorted as unsorted:
                unsorted_line = unsorted.line
            except Unreadable as unreadable:
                if strict:
                    raise unreadable.error from None
                strict = True
