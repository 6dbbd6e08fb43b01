"""Promise: the examples of docs/api.md work as they stand, against the running service."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.client import Scientist
from devstack.stack import Stack

pytestmark = [pytest.mark.workers, pytest.mark.service("devstack", seconds=60)]

ROOT = Path(__file__).parents[2]
VCF = (
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chrM\t73\t.\tA\tG\t.\tPASS\t.\nchrM\t11778\t.\tG\tA\t.\tPASS\t.\n"
)


def example(language: str) -> str:
    """The code block of docs/api.md in this language."""
    [block] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def environment(stack: Stack) -> dict[str, str]:
    """The service's address, and a token that its owner makes on the page."""
    demo = stack.accounts.demo
    with Scientist(stack.web_url, email=demo.email, password=demo.password, mail=stack.mail) as scientist:
        scientist.sign_in()
        scientist._submit("/accounts/reauthenticate/?next=/profile/tokens/", {"password": demo.password})
        page = scientist.session.get(f"{stack.web_url}/profile/tokens/", timeout=30)
        [csrf] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[:1])
        form = {"csrfmiddlewaretoken": csrf, "name": "docs", "days": "7"}
        form |= {"scopes": ["jobs:read", "jobs:write", "results:read"]}
        made = scientist.session.post(
            f"{stack.web_url}/profile/tokens/make/", data=form, headers={"Referer": page.url}, timeout=30
        )
    assert "Your new token" in made.text, (made.url, made.status_code, re.sub(r"<[^>]+>|\s+", " ", made.text)[-1500:])
    return {**os.environ, "GAS_URL": stack.web_url, "GAS_TOKEN": re.findall(r"gas_[0-9A-Za-z]{36}", made.text)[0]}


def run(*command: str, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_example_with_curl(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sample.vcf").write_text(VCF)
    (tmp_path / "annotate.sh").write_text(example("sh"))
    done = run("bash", "annotate.sh", "sample.vcf", "out.vcf.gz", folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    zipped = subprocess.run(["gzip", "-dc", tmp_path / "out.vcf.gz"], capture_output=True, text=True, check=True)
    assert "GAS_GENE=MT-ND4" in zipped.stdout
    (tmp_path / "broken.vcf").write_text("no VCF\n")
    failed = run("bash", "annotate.sh", "broken.vcf", "out", folder=tmp_path, environment=environment)
    assert failed.returncode == 1
    assert "Line 1" in failed.stderr or "header" in failed.stderr


def test_the_example_in_python(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sample.vcf").write_text(VCF)
    (tmp_path / "annotate.py").write_text(example("python"))
    done = run(sys.executable, "annotate.py", "sample.vcf", folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[1:5] for line in done.stdout.splitlines()] == [["11778", "G", "A", "MT-ND4"]]
    wrong = run(
        sys.executable, "annotate.py", "sample.vcf", folder=tmp_path, environment={**environment, "GAS_TOKEN": "gas_x"}
    )
    assert wrong.stderr.startswith("invalid-token: There is no such token.")


def test_the_example_for_nextflow_runs_the_script_of_the_one_with_curl() -> None:
    assert re.search(
        r"^ +annotate\.sh \$\{vcf\} \$\{vcf\.simpleName\}\.annot\.vcf\.gz$", example("groovy"), re.MULTILINE
    )
    assert "secret 'GAS_TOKEN'" in example("groovy")
