"""Tests of one service stay in one process, and no more than three services run at a time."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import units

SERVICES = {f"test_{name}.py::test_{number}": name for name in "abcd" for number in range(4)}
PLAIN = [f"test_plain.py::test_{number}" for number in range(12)]


class Process:
    """Stands for a test process: notes which tests it was told to run."""

    shutting_down = False

    gateway = SimpleNamespace(id="gw")

    def __init__(self, tests: list[str]) -> None:
        self._all = tests
        self.waiting: list[str] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.waiting += [self._all[number] for number in numbers]

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> units.Scheduler:
    (tmp_path / "services.json").write_text(json.dumps(SERVICES))
    monkeypatch.setattr(units, "_FOLDER", SimpleNamespace(name=str(tmp_path)))
    config: Any = SimpleNamespace(getvalue=lambda _: ["4*popen"], option=SimpleNamespace(loadscopereorder=True))
    return units.Scheduler(config)


def test_tests_of_one_service_stay_together_and_three_services_run_at_a_time(scheduler: units.Scheduler) -> None:
    tests = [*SERVICES, *PLAIN]
    processes = [Process(tests) for _ in range(4)]
    for process in processes:
        scheduler.add_node(process)  # type: ignore[arg-type]
        scheduler.add_node_collection(process, tests)  # type: ignore[arg-type]
    scheduler.schedule()
    ran: dict[str, set[int]] = {}
    while any(process.waiting for process in processes):
        running = {SERVICES[one.waiting[0]] for one in processes if one.waiting and one.waiting[0] in SERVICES}
        assert len(running) <= units.SERVICES_MAX
        for number, process in enumerate(processes):
            if process.waiting:
                test = process.waiting.pop(0)
                ran.setdefault(SERVICES.get(test, test), set()).add(number)
                scheduler.mark_test_complete(process, tests.index(test))  # type: ignore[arg-type]
    assert set(ran) == {*"abcd", *PLAIN}
    assert all(len(numbers) == 1 for numbers in ran.values())


def test_a_test_takes_as_long_as_its_marks_say() -> None:
    def item(*marks: pytest.MarkDecorator) -> Any:
        found = {mark.name: mark.mark for mark in marks}
        return SimpleNamespace(get_closest_marker=found.get)

    assert units.seconds_of(item()) == 0
    assert units.seconds_of(item(pytest.mark.long(seconds=8))) == 8
    assert units.seconds_of(item(pytest.mark.long(seconds=8), pytest.mark.service("broker", seconds=60))) == 60
    assert units.service_of(item(pytest.mark.service("broker", seconds=60))) == "broker"
