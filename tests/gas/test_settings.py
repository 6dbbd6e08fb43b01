"""Settings are documented or they don't exist; secrets have no defaults."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.production import REQUIRED, ROOT, load


def read_names() -> set[str]:
    """Names that settings.py reads, from its calls of `env.something("NAME")`."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "gas" / "settings.py").read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
        ):
            assert isinstance(node.args[0], ast.Constant)
            names.add(str(node.args[0].value))
    return names


def documented_names() -> set[str]:
    rows = re.findall(
        r"^\| (`[A-Z0-9_]+`(?:, `[A-Z0-9_]+`)*) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
    )
    return {name for row in rows for name in re.findall(r"[A-Z0-9_]+", row)}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert read_names() == documented_names()


def test_only_the_settings_file_reads_the_environment() -> None:
    # annotator/formats/forks.py gives a forked process its environment as a whole: a few variables.
    set_for_others = r"\.(?:setdefault\(.(?:DJANGO_SETTINGS_MODULE|POLARS_MAX_THREADS)|clear\(|update\()"
    readers = [
        str(path.relative_to(ROOT))
        for folder in ("gas", "annotator")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(rf"os\.environ\b(?!{set_for_others})|getenv", path.read_text())
        and str(path.relative_to(ROOT)) not in {"gas/settings.py", "annotator/formats/forks.py"}
    ]
    assert not readers


@pytest.mark.parametrize("name", REQUIRED)
def test_a_production_process_does_not_start_without(name: str) -> None:
    done = load({key: value for key, value in REQUIRED.items() if key != name})
    assert done.returncode
    assert name in done.stderr


def test_a_command_without_its_settings_says_which_in_a_sentence() -> None:
    done = load({}, "manage.py", "install_reference", "GRCh38")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr
    assert "docs/settings.md" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_deployment_check_passes_under_production_settings_once_static_files_are_collected(tmp_path: Path) -> None:
    env = {**REQUIRED, "STATIC_ROOT": str(tmp_path / "static"), "S3_INPUTS_BUKET": "misspelt"}
    check = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    done = load(env, *check)
    assert done.returncode == 1
    assert "(gas.E008) There is no front-end build (dist/app.css," in done.stderr
    assert "(gas.W001) S3_INPUTS_BUKET is no setting: is S3_INPUTS_BUCKET meant?" in done.stderr
    assert done.stderr.count("gas.") == 2
    del env["S3_INPUTS_BUKET"]
    assert load(env, "manage.py", "collectstatic", "--no-input", "--verbosity", "0").returncode == 0
    done = load(env, *check)
    assert done.returncode == 0, done.stderr


def test_the_devstack_is_not_in_production() -> None:
    done = load(REQUIRED, "-c", "from django.conf import settings; print(settings.INSTALLED_APPS, settings.DEBUG)")
    assert "devstack" not in done.stdout
    assert done.stdout.rstrip().endswith("False")
