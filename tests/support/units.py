"""What pytest-xdist hands out at a time: a test, or tests whose fixtures start a service, which then starts once.

Not by `--dist loadgroup`: with this pytest, the groups of pytest-xdist 3.8 do not come into force, and nothing says so.
"""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: The names of tests that stay with one process; what a group of the pattern says keeps them apart.
TOGETHER = tuple(
    map(
        re.compile,
        (
            r"tests/browser/",
            r"tests/devstack/(?:test_stack|stripe/test_in_the_stack)\.py",
            r"tests/devstack/stripe/test_in_the_browser\.py",
            r"tests/gas/aws/test_broker\.py",
            r"tests/restore/test_real_workers\.py::test_(?!results_survive).*\[(vault|class)\]",
        ),
    )
)


def unit(name: str) -> str:
    for number, pattern in enumerate(TOGETHER):
        if found := pattern.match(name):
            return f"{number} {found.groups()}"
    return name


class Scheduler(LoadScopeScheduling):
    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # ours is the order of tests.conftest: the longest first
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
