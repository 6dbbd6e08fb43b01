"""Settings of the archive and the folder of references reach the stack from the command line or the environment."""

import signal

import pytest

from devstack import cli


@pytest.fixture(autouse=True)
def _handlers():
    """The commands take SIGTERM for themselves."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("variables", "arguments", "expected"),
    [
        ({}, [], {"ARCHIVE_ROUTE": "vault"}),
        ({"ARCHIVE_AFTER_SECONDS": "30"}, [], {"ARCHIVE_ROUTE": "vault", "ARCHIVE_AFTER_SECONDS": "30"}),
        ({"ARCHIVE_AFTER_SECONDS": "30"}, ["--archive-after", "5"], {"ARCHIVE_AFTER_SECONDS": "5"}),
        ({"ARCHIVE_ROUTE": "class"}, [], {"ARCHIVE_ROUTE": "class"}),
        ({}, ["--route", "class"], {"ARCHIVE_ROUTE": "class"}),
    ],
)
def test_the_archives_settings(monkeypatch, tmp_path, variables, arguments, expected):
    for name in ("ARCHIVE_AFTER_SECONDS", "ARCHIVE_ROUTE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REFERENCES_DIR", str(tmp_path / "references"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    started = {}

    def start(*_, env, **__):
        started.update(env)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "Stack", start)
    assert cli.main(["run", *arguments]) == 130
    assert expected.items() <= started.items()
    assert started["REFERENCES_DIR"] == str(tmp_path / "references")
    assert (tmp_path / "references").is_dir()
