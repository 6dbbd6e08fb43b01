"""Only a folder that a stack has made is ever emptied."""

import pytest

from devstack.processes.data_dir import DataDir, NotOurs


@pytest.fixture
def claim():
    claimed = []

    def claim(path):
        data = DataDir(path)
        data.claim()
        claimed.append(data)
        return data

    yield claim
    for data in claimed:
        data.release()


def test_a_new_folder_is_made_and_emptied_again(tmp_path, claim):
    path = tmp_path / "var" / "devstack"
    data = claim(path)
    (path / "logs").mkdir()
    (path / "logs" / "web.log").write_text("old")
    (path / "gas.sqlite3").write_text("old")
    data.release()
    claim(path)
    assert [entry.name for entry in path.iterdir()] == [".devstack"]


def test_an_empty_folder_is_taken(tmp_path, claim):
    claim(tmp_path)


def test_somebody_elses_folder_is_left_alone(tmp_path, claim):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(NotOurs, match="was not made by the devstack"):
        claim(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_is_no_folder(tmp_path, claim):
    (tmp_path / "file").touch()
    with pytest.raises(NotOurs, match="is not a folder"):
        claim(tmp_path / "file")


def test_links_are_not_followed(tmp_path, claim):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years of work")
    data = claim(tmp_path / "data")
    (tmp_path / "data" / "link").symlink_to(precious)
    data.empty()
    assert (precious / "thesis.tex").exists()
    assert not (tmp_path / "data" / "link").is_symlink()


def test_two_stacks_do_not_share_a_folder(tmp_path, claim):
    first = claim(tmp_path / "data")
    (tmp_path / "data" / "gas.sqlite3").write_text("in use")
    with pytest.raises(NotOurs, match="Another devstack is running"):
        claim(tmp_path / "data")
    assert (tmp_path / "data" / "gas.sqlite3").exists()
    first.release()
    claim(tmp_path / "data")


def test_what_was_not_claimed_is_not_emptied(tmp_path):
    with pytest.raises(NotOurs):
        DataDir(tmp_path).empty()
