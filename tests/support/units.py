"""What pytest-xdist hands out at a time: one test, or all tests that share a started service.

The mark `service(name, seconds)` says which tests share one, and `long(seconds)` which single tests take long. What
takes longest comes first, so that no process is left with it at the end.

Not by `--dist loadgroup`: with this pytest, the groups of pytest-xdist 3.8 do not come into force, and nothing says so.
"""

import json
import os
import tempfile
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: The folder in which the test processes tell the controller which tests share a service.
_FOLDER = tempfile.TemporaryDirectory(prefix="gas-test-units-")
#: The maximum of services at a time: where more wait for the processors, they miss their own time limits.
SERVICES_MAX = 3


def service_of(item: pytest.Item) -> str:
    """Return the name of the service that the test shares with others; "" if it shares none."""
    mark = item.get_closest_marker("service")
    return str(mark.args[0]) if mark else ""


def seconds_of(item: pytest.Item) -> float:
    """Return how long the test, or all tests of its service together, take by its marks."""
    marks = (item.get_closest_marker("service"), item.get_closest_marker("long"))
    return max((mark.kwargs["seconds"] for mark in marks if mark), default=0.0)


def prepare(node: WorkerController) -> None:
    """Name the folder to a test process. Called by the controller before the process starts."""
    node.workerinput["units"] = _FOLDER.name


def tell(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Write down which tests share a service, in a test process of pytest-xdist. All processes write the same."""
    if folder := getattr(config, "workerinput", {}).get("units"):
        services = {item.nodeid: service for item in items if (service := service_of(item))}
        unfinished = Path(folder) / f"{os.getpid()}.part"
        unfinished.write_text(json.dumps(services))
        unfinished.rename(Path(folder) / "services.json")


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units in the order of the collection, and at most `SERVICES_MAX` services at a time."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # ours is the order of tests.conftest: the longest first
        super().__init__(config, log)
        self._services: dict[str, str] = {}

    def schedule(self) -> None:
        if not self._services:
            self._services = json.loads((Path(_FOLDER.name) / "services.json").read_text())
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._services.get(nodeid, nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        services = set(self._services.values())
        running = sum(
            unit in services and not all(tests.values())
            for work in self.assigned_work.values()
            for unit, tests in work.items()
        )
        if running >= SERVICES_MAX:
            other = next((unit for unit in self.workqueue if unit not in services), None)
            if other is not None:
                self.workqueue.move_to_end(other, last=False)
        super()._assign_work_unit(node)
