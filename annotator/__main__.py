"""python -m annotator IN.vcf OUT.vcf.gz --reference rCRS"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from annotator.errors import EngineError, InputError
from annotator.pipeline import INDEX, LOG, RESULT, Report, annotate
from annotator.references import available_references, load_reference


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 annotated, 1 our fault, 2 the file (or what was asked for) cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m annotator",
        description="Annotate a VCF or BCF file. Writes OUT, OUT.tbi and OUT.log.txt.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="VCF or BCF, plain or compressed")
    parser.add_argument("output", type=Path, metavar="OUT", help="the annotated file, bgzip (….vcf.gz)")
    parser.add_argument("--reference", default="rCRS", help="id of the reference pack (default: rCRS)")
    parser.add_argument("--references-dir", type=Path, help="a folder of further reference packs")
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
        return 2 if error.code == "no-reference" else 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(_short(report, options.output) + "\n")
    return 0


def _packs() -> str:
    return "\n".join(f"{info.id}: {info.title}" for info in available_references())


def _run(options: argparse.Namespace) -> Report:
    reference = load_reference(options.reference, options.references_dir)
    target: Path = options.output
    # Beside the target, so that moving the result there is a rename and never half a file.
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".annotator-") as folder:
        log = Path(folder) / LOG
        try:
            report = annotate(options.input, Path(folder), reference=reference)
            shutil.move(Path(folder) / INDEX, target.with_name(target.name + ".tbi"))
            shutil.move(Path(folder) / RESULT, target)
        finally:
            if log.exists():
                shutil.move(log, target.with_name(target.name + ".log.txt"))
    return report


def _short(report: Report, target: Path) -> str:
    known = [f"{row['change']} {row['gene']} ({row['disease']})" for row in report.summary["known"]]
    lines = [
        f"{target}: {report.records_in:,} records in, {report.records_out:,} out, {report.skipped:,} skipped",
        f"Known disease-associated variants: {', '.join(known) or 'none'}",
        *(f"Note: {repair}" for repair in report.repairs),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
