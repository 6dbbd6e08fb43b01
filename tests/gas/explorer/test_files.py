"""Local copies: of the right bytes, within bounds, the same for all processes, and never taken from under a reader."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from gas.aws import s3
from gas.aws.clients import s3 as client
from gas.explorer import files

BUCKET = "gas-results"
Put = Callable[[bytes], dict[str, Any]]


@pytest.fixture
def put(aws: None, settings: Any, tmp_path: Path) -> Put:
    settings.EXPLORER_CACHE_DIR = tmp_path / "copies"
    settings.EXPLORER_CACHE_BYTES = 2500

    def put(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        client().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=digest, Body=content)
        return {"bucket": BUCKET, "key": digest, "sha256": digest, "size": len(content), "ending": ".parquet"}

    return put


def copies() -> set[str]:
    return {path.name[:64] for path in files.folder().iterdir() if path.suffix == ".parquet"}


def test_a_copy_is_fetched_once_and_is_the_object(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put(b"x" * 1000)
    fetched: list[str] = []
    download = s3.download
    monkeypatch.setattr(s3, "download", lambda *args, **more: (fetched.append(args[1]), download(*args, **more)))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: files.fetch(**asked), range(6)))
    assert fetched == [asked["key"]]
    assert {one.path.read_bytes() for one in found} == {b"x" * 1000}
    assert oct(found[0].path.stat().st_mode)[-3:] == "400"
    for one in found:
        one.close()


def test_another_content_under_the_key_is_refused_and_leaves_nothing(put: Put) -> None:
    asked = put(b"right")
    client().put_object(Bucket=BUCKET, Key=asked["key"], Body=b"wrong")
    with pytest.raises(s3.CopyDiffers):
        files.fetch(**asked)
    with pytest.raises(s3.ObjectMissing):
        files.fetch(**{**asked, "key": "nothing", "sha256": "0" * 64})
    assert list(files.folder().iterdir()) == []


def test_the_copy_that_was_used_longest_ago_makes_room_unless_it_is_in_use(put: Put) -> None:
    first, second, third, fourth = (put(letter * 1000) for letter in (b"a", b"b", b"c", b"d"))
    held = files.fetch(**first)
    files.fetch(**second).close()
    for name, age in ((first, 300), (second, 200)):
        path = files.folder() / f"{name['sha256']}.parquet"
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    files.fetch(**third).close()
    assert copies() == {first["sha256"], third["sha256"]}
    assert held.path.read_bytes() == b"a" * 1000
    also = files.fetch(**third)
    with pytest.raises(files.NoRoom):
        files.fetch(**fourth)
    held.close()
    files.fetch(**fourth).close()
    assert copies() == {third["sha256"], fourth["sha256"]}
    also.close()
    with pytest.raises(files.NoRoom):
        files.fetch(**put(b"e" * 2501))


def test_using_a_copy_makes_it_the_latest(put: Put) -> None:
    first, second, third = (put(letter * 1000) for letter in (b"a", b"b", b"c"))
    for asked, age in ((first, 300), (second, 200)):
        files.fetch(**asked).close()
        path = files.folder() / f"{asked['sha256']}.parquet"
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    files.fetch(**first).close()
    files.fetch(**third).close()
    assert copies() == {first["sha256"], third["sha256"]}


def test_a_copy_that_was_fetched_again_meanwhile_is_not_removed(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put(b"x" * 100)
    found = files.fetch(**asked)
    found.close()
    lock, held = fcntl.flock, []

    def replaced_before(file: Any, how: int) -> None:
        if how & fcntl.LOCK_NB:
            monkeypatch.setattr(fcntl, "flock", lock)
            found.path.unlink()
            held.append(files.fetch(**asked))
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", replaced_before)
    files._remove(found.path)
    assert found.path.read_bytes() == b"x" * 100
    held[0].close()


def test_what_is_being_fetched_takes_room(put: Put) -> None:
    (files.folder() / "other.part-2000-1-1").touch()
    with pytest.raises(files.NoRoom):
        files.fetch(**put(b"x" * 1000))
    files.fetch(**put(b"x" * 400)).close()


def test_folders_of_processes_that_ended_are_removed(put: Put) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, own = (files.folder() / f"{files.SPILL}{pid}-x" for pid in (ended.pid, os.getpid()))
    left.mkdir()
    own.mkdir()
    files.make_room(1)
    assert (left.exists(), own.exists()) == (False, True)
