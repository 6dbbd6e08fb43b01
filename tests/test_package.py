"""The annotator installs as a library of its own, without the service."""

import gzip
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import annotator

ROOT = Path(__file__).resolve().parents[1]
VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchrM\t11778\t.\tG\tA\t.\tPASS\t.\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library as pip installs it from a wheel, and nothing else."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", ".", "--no-deps", "--no-build-isolation", "-w", wheels], cwd=ROOT, check=True)
    subprocess.run([*pip, "install", "--no-deps", "--target", folder, *wheels.glob("*.whl")], check=True)
    return folder


def run(installed: Path, *arguments: str) -> str:
    """Run Python outside of the checkout with the installed library, and return what it prints."""
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    told = subprocess.run([sys.executable, *arguments], cwd=installed, env=env, check=True, stdout=subprocess.PIPE)
    return told.stdout.decode().strip()


def test_the_wheel_has_the_library_and_nothing_of_the_service(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"annotator"}
    modules = {path: path.read_text() for path in installed.glob("annotator/**/*.py")}
    assert not [
        path for path, text in modules.items() if re.search(r"^(from|import) (gas|django|celery)\b", text, re.MULTILINE)
    ]
    assert (installed / "annotator" / "py.typed").exists()


def test_the_installed_library_annotates_a_file(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "in.vcf").write_text(VCF)
    assert run(installed, "-c", "import annotator; print(annotator.__file__)") == f"{installed}/annotator/__init__.py"
    run(installed, "-m", "annotator", f"{tmp_path}/in.vcf", f"{tmp_path}/out.vcf.gz", "--reference", "rCRS")
    record = gzip.decompress((tmp_path / "out.vcf.gz").read_bytes()).decode().splitlines()[-1]
    assert "|missense_variant|MODERATE|MT-ND4|" in record


def test_there_is_one_version_number(installed: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert [path.name for path in installed.glob("*.dist-info")] == [f"gas_annotator-{annotator.__version__}.dist-info"]
    assert f"## [{annotator.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
