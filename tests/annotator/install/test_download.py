"""Fetching one file from servers that cut, lie, forget and run out, onto disks that are full."""

import hashlib
import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.install import checksums, download
from annotator.install.checksums import Checksum, parse_sums
from annotator.install.download import DownloadError, fetch
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.install.server import Behaviour, Server, serving

CONTENT = random.Random(5).randbytes(700_001)  # noqa: S311
SHA256 = Checksum("sha256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.gz").write_bytes(CONTENT)
    with serving(folder) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "got" / "a.gz"


def get(server: Server, target: Path, **arguments: object) -> download.Fetched:
    return fetch(f"{server.url}/a.gz", target, wait=lambda _: None, **arguments)  # type: ignore[arg-type]


def leftovers(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def test_a_file_comes_whole_with_its_sha256_and_date(server: Server, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    got = get(server, target, checksum=SHA256, progress=lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert (got.size, got.sha256, got.modified[-3:]) == (len(CONTENT), SHA256.value, "GMT")
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert leftovers(target) == {"a.gz"}


def test_a_cut_connection_is_gone_on_with_and_no_byte_is_asked_for_twice(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(cut_after=[100_000, 200_000, 10**9])
    assert get(server, target, checksum=SHA256).size == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert server.asked("a.gz") == [("", 200), ("bytes=100000-", 206), ("bytes=300000-", 206)]


def test_servers_that_are_busy_are_asked_again(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(statuses=[503, 429])
    waits: list[float] = []
    fetch(f"{server.url}/a.gz", target, checksum=SHA256, wait=waits.append)
    assert target.read_bytes() == CONTENT
    assert waits == [1.0, 2.0]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(ranges=False, cut_after=[300_000, 10**9])
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.asked("a.gz") == [("", 200), ("bytes=300000-", 200)]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_always_runs_out_half_way_is_an_error_and_its_part_stays(
    server: Server, target: Path, ranges: bool
) -> None:
    server.behaviour["a.gz"] = Behaviour(ranges=ranges, cut_after=[350_000, 0] if ranges else [350_000])
    with pytest.raises(
        DownloadError, match=r"could not be fetched in full: it ended after 350,000 of 700,001"
    ) as error:
        get(server, target, checksum=SHA256)
    assert error.value.code == "cut"
    assert leftovers(target) == {"a.gz.part", "a.gz.part.json"}
    server.behaviour.clear()
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.asked("a.gz")[-1] == ("bytes=350000-", 206)


def test_a_wrong_checksum_leaves_nothing(server: Server, target: Path) -> None:
    wrong = Checksum("sha256", "0" * 64)
    with pytest.raises(DownloadError, match="came damaged") as error:
        get(server, target, checksum=wrong)
    assert error.value.code == "wrong-checksum"
    assert leftovers(target) == set()
    assert len(server.asked("a.gz")) == 1


def test_a_file_that_changed_between_two_tries_is_begun_anew(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(cut_after=[100_000])
    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/a.gz", target, checksum=SHA256, wait=interrupt)
    other = CONTENT[::-1]
    (server.folder / "a.gz").write_bytes(other)
    server.behaviour.clear()
    get(server, target)
    assert target.read_bytes() == other
    assert server.asked("a.gz")[-1] == ("bytes=100000-", 200)  # If-Range: the server itself saw that it had changed


def test_a_server_that_does_not_understand_conditions_is_seen_to_have_another_file(
    server: Server, target: Path
) -> None:
    server.behaviour["a.gz"] = Behaviour(cut_after=[100_000])
    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/a.gz", target, wait=interrupt)
    other = CONTENT[::-1]
    (server.folder / "a.gz").write_bytes(other)
    server.behaviour["a.gz"] = Behaviour(conditions=False)
    get(server, target)
    assert target.read_bytes() == other
    assert [status for _, status in server.asked("a.gz")] == [200, 206, 200]


def test_halves_of_two_files_are_noticed_by_the_checksum_and_fetched_anew(server: Server, target: Path) -> None:
    """A server without ETag and Last-Modified cannot tell that the file has changed."""
    server.behaviour["a.gz"] = Behaviour(validators=False)
    target.parent.mkdir()
    target.with_name("a.gz.part").write_bytes(CONTENT[::-1][:1000])
    notes = {"url": f"{server.url}/a.gz", "version": "", "modified": "", "total": len(CONTENT)}
    target.with_name("a.gz.part.json").write_text(json.dumps(notes))
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.asked("a.gz") == [("bytes=1000-", 206), ("", 200)]


def test_a_part_is_not_gone_on_with_when_nothing_could_tell_another_file(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(validators=False, cut_after=[1000])
    with pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/a.gz", target, wait=interrupt)
    server.behaviour["a.gz"] = Behaviour(validators=False)
    get(server, target)
    assert server.asked("a.gz")[-1] == ("", 200)


def interrupt(_: float) -> None:
    raise KeyboardInterrupt


def test_a_whole_part_needs_no_more_bytes(server: Server, target: Path) -> None:
    """The process was killed between the last byte and the new name."""
    get(server, target, checksum=SHA256)
    notes = {"url": f"{server.url}/a.gz", "version": "", "modified": "", "total": len(CONTENT)}
    target.rename(target.with_name("a.gz.part"))
    target.with_name("a.gz.part.json").write_text(json.dumps(notes))
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT
    assert len(server.asked("a.gz")) == 1


def test_a_file_that_is_there_and_right_is_not_fetched_again(server: Server, target: Path) -> None:
    get(server, target, checksum=SHA256)
    get(server, target, checksum=SHA256)
    assert len(server.requests) == 1
    target.write_bytes(b"something else")
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("statuses", "code", "words"), [([404], "not-found", "404 Not Found"), ([403], "refused", "403 Forbidden")]
)
def test_what_is_not_there_is_not_asked_for_again(
    server: Server, target: Path, statuses: list[int], code: str, words: str
) -> None:
    server.behaviour["a.gz"] = Behaviour(statuses=statuses)
    with pytest.raises(DownloadError, match=words) as error:
        get(server, target)
    assert error.value.code == code
    assert len(server.requests) == 1
    assert leftovers(target) == set()


def test_another_size_than_expected_is_refused_before_it_is_fetched(server: Server, target: Path) -> None:
    with pytest.raises(DownloadError, match="has 700,001 bytes, where 5 are expected"):
        get(server, target, expected_size=5)
    assert leftovers(target) == set()


def test_a_short_file_whose_length_is_not_told_is_noticed(server: Server, target: Path) -> None:
    server.behaviour["a.gz"] = Behaviour(length=False, cut_after=[1000])
    with pytest.raises(DownloadError, match="came damaged"):
        get(server, target, checksum=SHA256)
    server.behaviour["a.gz"] = Behaviour(length=False, cut_after=[1000, 0])
    with pytest.raises(DownloadError, match="could not be fetched in full"):
        get(server, target, expected_size=len(CONTENT))
    assert not target.exists()


def test_no_server_and_no_such_scheme(target: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127\.0\.0\.1:1/x could not be fetched.*no connection"):
        fetch("http://secret:word@127.0.0.1:1/x?signature=s", target, wait=lambda _: None)
    with pytest.raises(DownloadError, match="no address that can be fetched"):
        fetch("ftp://127.0.0.1/x", target)


def test_a_folder_of_this_machine(server: Server, target: Path) -> None:
    address = (server.folder / "a.gz").as_uri()
    assert fetch(address, target, checksum=SHA256).size == len(CONTENT)
    with pytest.raises(DownloadError, match="no such file"):
        fetch(address + ".missing", target.with_name("b"))


def test_a_full_disk_is_a_sentence_and_what_came_stays(server: Server, target: Path) -> None:
    with no_room_beyond(300_000), pytest.raises(DownloadError, match=r"not enough space for a\.gz in") as error:
        get(server, target, checksum=SHA256)
    assert error.value.code == "no-space"
    assert not target.exists()
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.asked("a.gz")[-1][1] == 206


def test_too_little_space_is_said_before_it_is_used_up(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = download.shutil.disk_usage(server.folder)  # type: ignore[attr-defined]
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DownloadError, match="700,001 bytes more are needed"):
        get(server, target, checksum=SHA256)
    assert not target.exists()
    monkeypatch.undo()
    get(server, target, checksum=SHA256)
    assert target.read_bytes() == CONTENT


def test_two_at_once_do_not_write_into_one_part(server: Server, target: Path) -> None:
    def second(_: int, __: int | None) -> None:
        with pytest.raises(DownloadError, match=r"Another process is fetching a\.gz"):
            get(server, target, checksum=SHA256)

    get(server, target, checksum=SHA256, progress=second)
    assert target.read_bytes() == CONTENT


def test_other_errors_of_the_disk_are_sentences_too(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        get(server, tmp_path / "file" / "a.gz")


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 300_000])
def test_the_sum_is_what_the_program_sum_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(CONTENT[:size])
    printed = subprocess.run(["sum", "-r", str(path)], capture_output=True, text=True, check=True, cwd="/").stdout
    program = " ".join(printed.split()[:2])
    assert [int(word) for word in checksums.bsd_sum(path).split()] == [int(word) for word in program.split()]
    monkeypatch.setenv("PATH", os.devnull)
    assert checksums.bsd_sum(path) == checksums._bsd_sum(path)
    assert [int(word) for word in checksums._bsd_sum(path).split()] == [int(word) for word in program.split()]


def test_published_sums_are_read() -> None:
    text = "00017   12 A.dna.toplevel.fa.gz\n61123 3027 ./B.gff3.gz\nd41d8cd98f00b204e9800998ecf8427e *C.fa.gz\n# no\n"
    assert parse_sums(text) == {
        "A.dna.toplevel.fa.gz": Checksum("sum", "00017 12"),
        "B.gff3.gz": Checksum("sum", "61123 3027"),
        "C.fa.gz": Checksum("md5", "d41d8cd98f00b204e9800998ecf8427e"),
    }
