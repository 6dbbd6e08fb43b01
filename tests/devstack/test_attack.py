"""Hostile files on the running service end in seconds, and nobody else notices. `make chaos-attack` tries many more."""

import pytest

from devstack.scenarios.attack import attack
from tests.support import attacks

pytestmark = [pytest.mark.workers, pytest.mark.service("devstack", seconds=90)]


def test_hostile_files_end_and_hung_or_crashed_processes_are_replaced(stack, tmp_path):
    names = ("header-exponential", "alts-3000", "contig-digits")
    files = {name: attacks.write(name, tmp_path) for name in names}
    slow = attacks.write("skipped-many", tmp_path, 2_000_000)
    outcome = attack(stack, files, slow, tmp_path, worker="worker-1", people=1)
    assert not outcome.problems, outcome.report()
    assert [(row.name, row.status) for row in outcome.rows if row.how == "alone"] == [
        ("header-exponential", "COMPLETED"),
        ("alts-3000", "COMPLETED"),
        ("contig-digits", "FAILED"),
    ]
    assert outcome.cancels
