"""The locks install one release of each package on every Python that the service supports."""

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from devstack.stack import ROOT

PYTHONS = ("3.11.0", "3.11.2", "3.11.15", "3.12.0", "3.13.0", "3.13.5")
#: Packages that differ by Python version, and why nothing else is possible.
DIFFERING = {"async-timeout": "redis needs it before Python 3.11.3, which has asyncio.timeout"}
#: The same for what only developers install.
DIFFERING_FOR_DEVELOPERS = {
    "backports-tarfile": "keyring needs it before Python 3.12, whose tarfile has filters",
    "importlib-metadata": "keyring needs it before Python 3.12, for the entry points of its backends",
    "zipp": "importlib-metadata needs it",
    "lazy-importer": "importlib-metadata needs it",
}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def installed(lock: str, python: str) -> dict[str, str]:
    """What `pip install -r` takes from the lock on Linux: {package: version}."""
    lines = (ROOT / lock).read_text().splitlines()
    environment = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0] not in " #"]
    return {one.name: str(one.specifier) for one in found if one.marker is None or one.marker.evaluate(environment)}


@pytest.mark.parametrize("lock", LOCKS)
def test_only_the_listed_packages_differ_by_python_version(lock: str) -> None:
    each = [installed(lock, python) for python in PYTHONS]
    differing = {name for found in each for name in found if any(found[name] != one.get(name) for one in each)}
    more = set(DIFFERING_FOR_DEVELOPERS) if lock == "requirements-dev.lock" else set()
    assert differing == set(DIFFERING) | more


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_that_the_project_asks_for_is_locked(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["service"]
    if lock == "requirements-dev.lock":
        asked = asked + project["dependency-groups"]["dev"]
    locked = installed(lock, "3.13.0")
    for one in map(Requirement, asked):
        assert one.specifier.contains(locked[one.name.lower()].removeprefix("==")), one


def test_the_supported_versions_are_those_of_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    supported = SpecifierSet(project["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(10, 16) if f"3.{minor}" in supported] == ["3.11", "3.12", "3.13"]
