"""Which tests `make test-fast` chooses for a change."""

from pathlib import Path

from tests.fast import targets


def test_the_tests_nearest_to_each_changed_room_are_chosen(tmp_path: Path) -> None:
    for folder in ("tests/gas/jobs", "tests/gas/users"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tests/gas/users/test_accounts.py").touch()
    changes = {
        "gas/jobs/lifecycle/leases.py": ["tests/gas/jobs"],
        "gas/urls.py": ["tests/gas"],
        "tests/gas/users/test_accounts.py": ["tests/gas/users/test_accounts.py"],
        "tests/gas/users/test_removed.py": [],
        "README.md": [],
    }
    for path, chosen in changes.items():
        assert targets([path], tmp_path) == chosen, path
    assert targets(changes, tmp_path) == ["tests/gas", "tests/gas/jobs", "tests/gas/users/test_accounts.py"]
