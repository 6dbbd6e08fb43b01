"""docs/architecture.md leads a newcomer to files that exist, and modules keep to the project's shape."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text()


def rows() -> list[tuple[str, list[str], str]]:
    """What to change, which files to open, and which word to look for."""
    _, _, after = TEXT.partition("## To change ..., open ...\n")
    table = [line for line in after.partition("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [(what, re.findall(r"`([^`]+)`", files), word.strip("`")) for what, files, word in cells]


def test_there_are_at_least_24_changes_and_each_is_named_once() -> None:
    changes = [what for what, _, _ in rows()]
    assert len(changes) == len(set(changes)) >= 24


@pytest.mark.parametrize(("what", "files", "word"), rows(), ids=[what for what, _, _ in rows()])
def test_a_change_opens_at_most_three_files_that_exist(what: str, files: list[str], word: str) -> None:
    assert 1 <= len(files) <= 3
    assert [name for name in files if not (ROOT / name).exists()] == []
    texts = [(ROOT / name).read_text() for name in files if (ROOT / name).is_file()]
    assert any(word in text for text in texts), f"{word} is in none of {files}"


def test_the_list_of_rooms_names_what_there_is() -> None:
    """Every package of gas and gas.jobs is in the list, and every module that the list names exists."""
    listed = TEXT.partition("## Rooms\n\n```\n")[2].partition("```")[0]
    for package in ("gas", "gas/jobs"):
        for room in (ROOT / package).iterdir():
            if (room / "__init__.py").exists() and room.name not in {"migrations", "management", "templatetags"}:
                assert re.search(rf"^ *{room.name}/", listed, re.MULTILINE), f"{room} is not listed"
    folders = ("gas", "annotator", "archive", "restore", "devstack")
    modules = {path.name for folder in folders for path in (ROOT / folder).rglob("*.py")}
    named = set(re.findall(r"\b([a-z_]+\.py)\b", listed)) - {"manage.py", "celeryconfig.py"}
    assert named <= modules


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]


def test_a_module_of_more_than_300_lines_says_why() -> None:
    unexplained = [
        str(path.relative_to(ROOT))
        for path in modules("annotator", "gas", "archive", "restore", "devstack")
        if len(path.read_text().splitlines()) > 300
        and "One module because " not in (ast.get_docstring(ast.parse(path.read_text())) or "")
    ]
    assert unexplained == []


def test_no_root_folder_has_more_than_15_modules() -> None:
    roots = ("annotator", "gas", "gas/jobs", "archive", "restore", "devstack")
    crowded = {root: count for root in roots if (count := len(list((ROOT / root).glob("*.py")))) > 15}
    assert crowded == {}


def test_no_function_has_more_than_seven_parameters() -> None:
    """What travels together is a frozen dataclass. `self` and `cls` are not counted."""
    long = []
    for path in modules("gas", "archive", "restore", "devstack"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                args = node.args
                given = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
                if sum(one is not None and one.arg not in {"self", "cls"} for one in given) > 7:
                    long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert long == []


def imported_modules(tree: ast.Module) -> set[str]:
    """Return every name that a module may get by an import: of modules, and of what is in them."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{one.name}" for one in node.names} | {str(node.module)}
    return found


def test_no_module_imports_a_test_module() -> None:
    """What tests share is in tests/support, or a fixture."""
    importing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("tests", "bench", "devstack", "gas", "annotator", "archive", "restore", "tools")
        for name in imported_modules(ast.parse(path.read_text()))
        if name.startswith("tests.") and re.search(r"\.(?:test_\w+|conftest)$", name)
    ]
    assert importing == []
