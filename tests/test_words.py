"""The word check of `make lint` finds what it lists, and nothing else."""

from pathlib import Path

import pytest

from tools.check_words import findings


@pytest.mark.parametrize(
    "line",
    [
        "Read it anew.",
        "After so many records",
        "Beside the command",
        "It goes on with that.",
        "a fault of ours",
        "The copy, should it come late",
        "A mail that says nothing of the next",
    ],
)
def test_words_of_the_list_are_found(line: str) -> None:
    assert len(findings(Path("a.py"), f"plain\n{line}\nplain")) == 1


@pytest.mark.parametrize(
    "line", ["The lease is renewed.", "Besides, it is late.", "behind a proxy", "It tells what.", "Should it stay?"]
)
def test_other_words_are_not(line: str) -> None:
    assert not findings(Path("a.py"), line)
