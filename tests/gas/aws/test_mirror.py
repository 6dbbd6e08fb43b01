"""Objects at s3:// addresses, downloaded as files are: resumed, and never mixed from two versions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annotator.install.download import DownloadError, fetch
from annotator.install.openers import Answer, BeyondEnd, Interrupted, NotThere
from gas.aws import clients, mirror

pytestmark = pytest.mark.usefixtures("aws")

URL = "s3://mirror/some/file.gz"
CONTENT = bytes(range(256)) * 5000


@pytest.fixture(autouse=True)
def etag(aws: object) -> str:
    clients.s3().create_bucket(Bucket="mirror")
    return str(clients.s3().put_object(Bucket="mirror", Key="some/file.gz", Body=CONTENT)["ETag"])


def got(start: int, version: str) -> tuple[int, bytes]:
    with mirror.open_s3(URL, start, version) as answer:
        assert answer.total == len(CONTENT)
        assert answer.modified.endswith("GMT")
        return answer.start, b"".join(answer.body)


def test_an_object_is_read_from_any_byte_on_as_long_as_it_is_the_same(etag: str) -> None:
    assert got(0, "") == (0, CONTENT)
    assert got(1_000_000, etag) == (1_000_000, CONTENT[1_000_000:])
    assert got(1_000_000, '"another"') == (0, CONTENT)


def test_at_its_end_there_is_nothing_and_behind_it_an_error(etag: str) -> None:
    with mirror.open_s3(URL, len(CONTENT), etag) as answer:
        assert (answer.start, list(answer.body)) == (len(CONTENT), [])
    with pytest.raises(BeyondEnd) as error, mirror.open_s3(URL, len(CONTENT) + 1, etag):
        pass
    assert error.value.total == len(CONTENT)


@pytest.mark.parametrize("url", ["s3://mirror/missing", "s3://no-such-bucket/file"])
def test_what_is_not_there_is_said(url: str) -> None:
    with pytest.raises(NotThere), mirror.open_s3(url, 0, ""):
        pass


def test_a_download_goes_on_where_it_was_cut(etag: str, tmp_path: Path) -> None:
    starts: list[int] = []

    @contextmanager
    def cut(url: str, start: int, version: str) -> Iterator[Answer]:
        starts.append(start)
        with mirror.open_s3(url, start, version) as answer:
            if len(starts) > 1:
                yield answer
                return

            def first() -> Iterator[bytes]:
                yield next(answer.body)[:300_000]
                raise Interrupted("cut")

            yield Answer(answer.start, answer.total, answer.version, answer.modified, first())

    target = tmp_path / "file.gz"
    fetch(URL, target, openers={"s3": cut}, wait=lambda _: None)
    assert target.read_bytes() == CONTENT
    assert starts == [0, 300_000]


def test_without_a_right_to_it_the_error_says_what_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = clients.ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    def refuse(*_: object) -> None:
        raise denied

    monkeypatch.setattr(mirror.s3, "head", refuse)
    with pytest.raises(DownloadError, match="S3 denies access, or there is no such object"):
        fetch(URL, tmp_path / "x", openers={"s3": mirror.open_s3})


def test_files_are_put_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"a": 1}))
    mirror.put(path, "s3://mirror/pack/a%20b.json")
    assert json.loads(mirror.read("s3://mirror/pack/a b.json")) == {"a": 1}
