"""What pytest-xdist hands out at a time: a test, or tests whose fixtures start a service, which then starts once.

Not by `--dist loadgroup`: with this pytest, the groups of pytest-xdist 3.8 do not come into force, and nothing says so.
"""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: The names of tests that stay with one process. Of whole services no more than two run at a time: those that have to
#: wait for the processors start their workers over and over.
TOGETHER = tuple(
    map(
        re.compile,
        (
            r"tests/(?:browser/|devstack/(?:test_stack|test_journey|stripe/test_in_the_\w+)\.py)",
            r"tests/restore/test_real_workers\.py",
            r"tests/gas/aws/test_broker\.py",
        ),
    )
)


def unit(name: str) -> str:
    return next((pattern.pattern for pattern in TOGETHER if pattern.match(name)), name)


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # ours is the order of tests.conftest: the longest first
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
