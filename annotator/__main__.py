"""Annotate a file from the command line: `python -m annotator IN.vcf OUT.vcf.gz --reference rCRS`."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from annotator.effects.consequences import Choice
from annotator.errors import EngineError, InputError
from annotator.reference.pack import Reference, available_references, installed_references, load_reference
from annotator.run.annotate import LOG, annotate
from annotator.run.attempt import INDEX, RESULT
from annotator.run.options import Outputs, Report
from annotator.run.outputs.run_log import findings_lines
from annotator.sources.manifest import Source, installed_sources
from annotator.tables import PARQUET, STATS, TSV


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 annotated, 1 internal error, 2 the file or the request cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m annotator",
        description="Annotate a VCF or BCF file. Writes OUT, OUT.tbi and OUT.log.txt.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="VCF or BCF, plain or compressed")
    parser.add_argument("output", type=Path, metavar="OUT", help="the annotated file, bgzip (….vcf.gz)")
    parser.add_argument("--reference", default="rCRS", help="id of the reference pack (default: rCRS)")
    parser.add_argument("--references-dir", type=Path, help="a folder of further reference packs")
    parser.add_argument(
        "--source", action="append", metavar="NAME", help="use this installed source; more than once for more of them"
    )
    parser.add_argument(
        "--tables", action="store_true", help="write OUT's .tsv.gz, .parquet and .stats.txt too, see docs/annotation.md"
    )
    parser.add_argument(
        "--transcripts",
        choices=[*Choice],
        default=Choice.ALL,
        type=Choice,
        help="write consequences on all transcripts, on those that code for a protein, or on the one that matters most",
    )
    parser.add_argument(
        "--predicted", action="store_true", help="write HGVS p. in parentheses, as predicted from bases: p.(Gln5Ter)"
    )
    parser.add_argument("--no-sources", action="store_true", help="use none (default: all that are installed)")
    parser.add_argument("--list", action="version", version=_packs(), help="list the packs of the library")
    options = parser.parse_args(arguments)
    if not options.input.is_file():
        sys.stderr.write(f"{options.input} is not a file.\n")
        return 2
    try:
        report = _run(options)
    except InputError as error:
        sys.stderr.write(f"{error.message} {error.advice}\n")
        return 2
    except EngineError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 2 if error.code in {"no-reference", "no-source"} else 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(_short(report, options.output) + "\n")
    return 0


def _packs() -> str:
    return "\n".join(f"{info.id}: {info.title}" for info in available_references())


def _run(options: argparse.Namespace) -> Report:
    reference = load_reference(options.reference, options.references_dir)
    target: Path = options.output
    # In the target's folder, so that moving the result there is a rename, and the target is never half written.
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".annotator-") as folder:
        log = Path(folder) / LOG
        try:
            sources = _sources(options, reference)
            report = annotate(
                options.input,
                Path(folder),
                reference=reference,
                sources=sources,
                installed=lambda: installed_references(options.references_dir),
                outputs=_outputs(options),
            )
            for name in (TSV, PARQUET, STATS):
                if (Path(folder) / name).exists():
                    shutil.move(Path(folder) / name, target.with_name(_stem(target) + name.removeprefix("annot")))
            shutil.move(Path(folder) / INDEX, target.with_name(target.name + ".tbi"))
            shutil.move(Path(folder) / RESULT, target)
        finally:
            if log.exists():
                shutil.move(log, target.with_name(target.name + ".log.txt"))
    return report


def _outputs(options: argparse.Namespace) -> Outputs:
    if not options.tables:
        return Outputs(options.transcripts, options.predicted)
    # Named after the file: MultiQC would merge the reports of several files if all were called annot.
    return Outputs(
        options.transcripts, options.predicted, stats=True, table_records=sys.maxsize, name=options.input.name
    )


def _stem(target: Path) -> str:
    return target.name.removesuffix(".vcf.gz")


def _sources(options: argparse.Namespace, reference: Reference) -> list[Source]:
    if options.no_sources:
        return []
    installed = installed_sources(options.references_dir, reference.id)
    if not options.source:
        return installed
    by_name = {source.name: source for source in installed}
    for name in options.source:
        if name not in by_name:
            known = ", ".join(by_name) or "none"
            raise EngineError("no-source", f"there is no source {name!r} for {reference.id}; installed: {known}")
    return [by_name[name] for name in dict.fromkeys(options.source)]


def _short(report: Report, target: Path) -> str:
    lines = [
        f"{target}: {report.records_in:,} records in, {report.records_out:,} out, {report.skipped:,} skipped",
        *findings_lines(report.summary),
        *(f"Known to {row['title']} {row['version']}: {row['alleles']:,}" for row in report.summary["sources"]),
        *(f"Note: {note}" for note in (*report.repairs, *report.summary["left_out"])),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
