"""What `from annotator import ...` gives."""

import subprocess
import sys
from pathlib import Path

import annotator
from tests.support.small_vcfs import vcf

ROOT = Path(__file__).parents[2]


def test_every_public_name_is_there() -> None:
    assert all(getattr(annotator, name) is not None for name in annotator.__all__)


def test_a_file_is_annotated_with_public_names_alone(tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf("MT 11778 . G A"))
    report = annotator.annotate(source, tmp_path, reference=annotator.load_reference("rCRS"))
    assert (report.records_in, report.records_out) == (1, 1)


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, annotator; print(sorted(name for name in sys.modules if name.startswith('annotator.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
