"""Small files go through the compiled loops where these are in memory, and no file waits for the compiler for it."""

import sys
from itertools import count
from types import SimpleNamespace

import pytest

from annotator.run import splitter
from annotator.run.columnar import compiled, plain


def test_loops_are_loaded_for_the_second_file_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitter, "_begun", count())
    monkeypatch.setattr(compiled, "are_loaded", lambda: True)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, plain.__name__)
        assert not splitter._loops_are_loaded()
    assert splitter._loops_are_loaded()


def test_loops_that_are_in_memory_are_used_for_the_first_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitter, "_begun", count())
    monkeypatch.setattr(compiled, "are_loaded", lambda: True)
    assert splitter._loops_are_loaded()


def test_nothing_is_compiled_for_a_small_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops that are neither compiled nor kept on disk are not used."""
    monkeypatch.setattr(compiled, "_KEPT", None)
    ready, missing = SimpleNamespace(signatures=["some"]), SimpleNamespace(signatures=[])
    for functions, expected in ([ready], True), ([ready, missing], False):
        monkeypatch.setattr(compiled, "_compiled", functions)
        compiled.are_loaded.cache_clear()
        assert compiled.are_loaded() is expected
    compiled.are_loaded.cache_clear()
