"""Every regular expression of the service takes time that grows no faster than the text that it is given."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import annotator
from annotator.preflight.build_detection.known_builds import BUILDS
from tests.support.growth import AnyPattern, faults

ROOT = Path(annotator.__file__).parent.parent
PACKAGES = ("annotator", "archive", "gas", "restore")
METHODS = {"match", "fullmatch", "search", "findall", "finditer", "sub", "split"}

#: Patterns that are made while the service runs, by the module and the function that makes them: what they come to.
MADE: dict[tuple[str, str], list[AnyPattern]] = {
    ("annotator.preflight.build_detection.detect", "_is_named"): [
        re.compile(r"(?<![A-Za-z0-9])GRCh38\-116(?![A-Za-z0-9])", re.IGNORECASE),
    ],
    ("annotator.preflight.build_detection.known_builds", "_build"): [build.words for build in BUILDS],
    ("annotator.sources.fields", "getter"): [re.compile(r";CLNSIG(?:[;=]|$)")],
    ("gas.aws.notices", "_check_topic"): [re.compile(r"arn:aws[a-z-]*:sns:us-east-1:123456789012:[\w.-]+")],
    ("gas.aws.notices", "_from_vault"): [re.compile(r"arn:aws[a-z-]*:glacier:us-east-1:123456789012:vaults/gas")],
    ("gas.users.deletion", "forget_in_log"): [
        re.compile(r"(?<![\w.+-])ann@lab\.example(?!\.?[\w-])", re.IGNORECASE),
    ],
}


@dataclass(frozen=True)
class Use:
    """A pattern and one way in which it is used."""

    place: str
    pattern: AnyPattern
    method: str


def uses() -> Iterator[Use]:
    """Every pattern in the source, found by reading it, so that a new one is tried without being listed here."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if not re.search(r"^\s*(?:import|from) re\b", text, re.MULTILINE):
                continue
            tree = ast.parse(text)
            imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "re"]
            assert not imported, f"{path}: import re as a whole, so that its patterns are found here"
            if any(isinstance(node, ast.Attribute) and _is_re(node) for node in ast.walk(tree)):
                yield from _uses_in(tree, ".".join(path.relative_to(ROOT).with_suffix("").parts))


def _uses_in(tree: ast.Module, module: str) -> Iterator[Use]:
    named: set[ast.Call] = set()
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        compiled = [node for node in ast.walk(statement.value) if _is_call(node, "compile")]
        if not compiled:
            continue
        named.update(compiled)  # type: ignore[arg-type]
        name = statement.targets[0].id
        value = getattr(importlib.import_module(module), name)
        if isinstance(value, re.Pattern):
            methods = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _names(node, name)}
            yield from (Use(f"{module}.{name}", value, method) for method in sorted(methods & METHODS))
            assert methods & METHODS, f"{module}.{name} is used elsewhere: keep a bound method instead of the pattern"
        else:
            yield Use(f"{module}.{name}", value.__self__, value.__name__)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for call in [node for node in ast.walk(function) if _is_call(node) and node not in named]:
            named.add(call)  # type: ignore[arg-type]
            yield from _inline(call, f"{module}.{function.name}", MADE.get((module, function.name)))  # type: ignore[arg-type]
    rest = [node.lineno for node in ast.walk(tree) if _is_call(node) and node not in named]  # type: ignore[attr-defined]
    assert not rest, f"{module}, line {rest}: patterns stand alone in the module, or in functions"


def _inline(call: ast.Call, place: str, made: list[AnyPattern] | None) -> Iterator[Use]:
    assert isinstance(call.func, ast.Attribute)
    method = "search" if call.func.attr == "compile" else call.func.attr
    first = call.args[0]
    if isinstance(first, ast.Constant):
        yield Use(place, re.compile(first.value), method)
        return
    assert made, f"{place} makes a pattern: list in MADE what it comes to"
    yield from (Use(place, pattern, method) for pattern in made)


def _is_re(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"


def _is_call(node: ast.AST, name: str = "") -> bool:
    return (
        isinstance(node, ast.Call)
        and _is_re(node.func)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ({name} if name else METHODS | {"compile"})
    )


def _names(node: ast.Attribute, name: str) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == name


USES = list(uses())


def test_patterns_are_found() -> None:
    places = {use.place for use in USES}
    assert len(places) > 40
    assert {
        "annotator.preflight.declarations._PAIR",
        "annotator.preflight.types._FLOAT",
        "gas.jobs.storage.vault_inventory.DESCRIPTION",
    } <= places


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.place}.{use.method}")
def test_time_grows_with_the_text(use: Use) -> None:
    assert not faults(use.pattern, use.method)


VALUE = r'"(?:[^"\\]|\\.)*"|\[[^\]"]*\]|[^,"<>]*'


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(?:a+)+b", "match"),  # exponential
        (rf"\w[\w.]*=(?:{VALUE})(?:,\w[\w.]*=(?:{VALUE}))*", "fullmatch"),  # exponential
        (r"(?:ab|a|b)*!", "match"),  # exponential
        (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "fullmatch"),  # quadratic
        (r'##FILTER=([^,<]+),"?(.*?)"?\s*$', "match"),  # quadratic
        (r"(\w+)=", "search"),  # quadratic: each letter is a new start
        (r"x\s*\s*y", "search"),  # quadratic
        (r"^(.*),(.*),(.*)!", "match"),  # cubic
    ],
)
def test_slow_patterns_are_told(pattern: str, method: str) -> None:
    """Without this, the test above could find nothing in anything."""
    assert faults(re.compile(pattern), method)
