"""Published versions brought to a machine, over servers that cut and lie: all of one is there, or nothing of it."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annotator.errors import EngineError
from annotator.reference.pack import Reference
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.manifest import Source, installed_sources, sources_folder
from annotator.sources.origin import Request
from annotator.sources.published import Version, bring, brought, find, is_whole, place, prune
from annotator.sources.versions import discard, hold
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.install.server import Behaviour, Server, serving
from tests.annotator.sources.genomes import genome, make_genome, other, text

BASES = genome()["1"]
HEADER = '##fileformat=VCFv4.2\n##INFO=<ID=S,Number=1,Type=String,Description="s">\n'


def made(folder: Path, reference: Reference, word: str = "first") -> Source:
    """A version of a source, as it is installed where it is published."""
    rows = []
    for pos in range(10, 3000):
        base, value = BASES[pos - 1], hashlib.sha256(str(pos).encode()).hexdigest()
        rows.append(f"1 {pos} . {base} {other(base)} . . S={word}{value}")
    file = folder / "mine.vcf"
    file.write_bytes(text(HEADER, rows))
    request = Request("mine", "Mine", (Wanted("S", "mine_S"),), (str(file),), version=word)
    return install(request, reference, folder)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("origin")
    return made(folder, make_genome(folder))


@pytest.fixture
def server(origin: Source, tmp_path: Path) -> Iterator[Server]:
    shutil.copytree(origin.folder, tmp_path / "served")
    with serving(tmp_path / "served") as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    folder = tmp_path / "machine"
    folder.mkdir()
    return folder


@pytest.fixture
def version(origin: Source) -> Version:
    return Version("GRCh38", "mine", origin.checksum)


@pytest.fixture
def get(server: Server, machine: Path, version: Version) -> Callable[..., None]:
    def brings(wanted: Version = version, check: Callable[[], None] = lambda: None) -> None:
        bring(machine, wanted, lambda name: f"{server.url}/{name}", openers={}, check=check, wait=lambda _: None)

    return brings


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def is_clean(machine: Path) -> bool:
    """Whether nothing is left of what was fetched, but the version itself."""
    return not list((machine / ".downloads").glob("*")) and not list(machine.glob("sources/*/.published/.*"))


def test_a_version_is_brought_whole_and_once(
    get: Callable[..., None], machine: Path, version: Version, origin: Source, server: Server
) -> None:
    assert find(machine, version) is None
    get()
    source = find(machine, version)
    assert source is not None
    assert (source.checksum, source.rows) == (origin.checksum, origin.rows)
    assert is_whole(source)
    assert contents(source.folder) == contents(origin.folder)
    assert source.folder == place(machine, version)
    assert is_clean(machine)
    asked = len(server.requests)
    get()
    assert len(server.requests) == asked
    assert installed_sources(machine, "GRCh38") == []  # what an operator installs here is another thing


def test_what_is_installed_here_in_this_version_is_not_brought(origin: Source, version: Version) -> None:
    found = find(origin.folder.parents[2], version)
    assert found is not None
    assert found.folder == origin.folder
    assert find(origin.folder.parents[2], Version("GRCh38", "mine", "0" * 64)) is None


def test_a_connection_that_is_cut_is_taken_up_where_it_ended(
    get: Callable[..., None], machine: Path, version: Version, server: Server
) -> None:
    server.behaviour["table.tsv.gz"] = Behaviour(cut_after=[20_000, 30_000, 10**9])
    get()
    assert server.asked("table.tsv.gz") == [("", 200), ("bytes=20000-", 206), ("bytes=50000-", 206)]
    assert find(machine, version)


def damaged(server: Server, name: str) -> None:
    content = bytearray((server.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (server.folder / name).write_bytes(bytes(content))


FAULTS: dict[str, Callable[[Server], object]] = {
    "cut": lambda server: server.behaviour.update({"table.tsv.gz": Behaviour(cut_after=[20_000, *[0] * 20])}),
    "not-found": lambda server: (server.folder / "table.blocks").unlink(),
    "wrong-checksum": lambda server: damaged(server, "table.tsv.gz"),
    "wrong-size": lambda server: (server.folder / "table.blocks").write_bytes(b"short"),
    "wrong-checksum of the manifest": lambda server: damaged(server, "manifest.json"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_leaves_no_version_and_is_said(
    get: Callable[..., None], machine: Path, version: Version, origin: Source, server: Server, fault: str
) -> None:
    FAULTS[fault](server)
    with pytest.raises(EngineError, match=r"the source mine of GRCh38 .* could not be fetched: .*\.$") as error:
        get()
    assert error.value.code == f"source-{fault.partition(' ')[0]}"
    assert "\n" not in error.value.message
    assert find(machine, version) is None
    assert brought(machine, "GRCh38") == []
    # And once it is put right, it goes through, and nothing stays behind.
    server.behaviour.clear()
    shutil.rmtree(server.folder)
    shutil.copytree(origin.folder, server.folder)
    get()
    assert find(machine, version)
    assert is_clean(machine)


def test_a_disk_without_room_leaves_no_version(get: Callable[..., None], machine: Path, version: Version) -> None:
    with no_room_beyond(20_000), pytest.raises(EngineError, match="There is not enough space") as error:
        get()
    assert error.value.code == "source-no-space"
    assert find(machine, version) is None
    get()
    assert find(machine, version)
    assert is_clean(machine)


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from annotator.errors import EngineError
from annotator.sources.published import Version, bring, brought, find
disk, version = Path(sys.argv[1]), Version("GRCh38", "mine", sys.argv[2])
try:
    bring(disk, version, lambda name: f"{sys.argv[3]}/{name}", openers={})
except EngineError as error:
    print(error.code, error.message)
print(find(disk, version), brought(disk, "GRCh38"))
"""


def test_a_disk_that_is_full(server: Server, version: Version, tmp_path: Path) -> None:
    """A real one, in a namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=80k tmpfs {disk}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    command = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", _ON_A_SMALL_DISK]
    done = subprocess.run(
        [*command, str(disk), version.checksum, server.url],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    sentence, left = done.stdout.splitlines()
    assert sentence.startswith("source-no-space")
    assert "There is not enough space for table.tsv.gz" in sentence
    assert left == "None []"


def test_at_no_step_half_a_version_is_to_be_found(
    get: Callable[..., None], machine: Path, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after every step that changes a name on the disk."""
    seen = []

    def watched(step: Callable[..., object]) -> Callable[..., object]:
        def stepped(*arguments: object, **keywords: object) -> object:
            result = step(*arguments, **keywords)
            source = find(machine, version)
            assert source is None or is_whole(source)
            assert [path for path in brought(machine, "GRCh38") if not source] == []
            seen.append(source is not None)
            return result

        return stepped

    for name in ("unlink", "rename", "replace"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    monkeypatch.setattr(shutil, "rmtree", watched(shutil.rmtree))
    get()
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (False, True)


def test_who_stops_meanwhile_is_gone_on_with_by_the_next(
    get: Callable[..., None], machine: Path, version: Version, server: Server
) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        get(check=stop)
    assert find(machine, version) is None
    get()
    assert find(machine, version)
    assert is_clean(machine)


_KILLED = """
import os, signal, sys
from pathlib import Path
from annotator.sources.published import Version, bring
folder, version = Path(sys.argv[1]), Version("GRCh38", "mine", sys.argv[2])
have = lambda: sum(path.stat().st_size for path in folder.rglob("table.tsv.gz.part"))
kill = lambda: have() and os.kill(os.getpid(), signal.SIGKILL)
bring(folder, version, lambda name: f"{sys.argv[3]}/{name}", openers={}, check=kill)
"""


def test_who_is_killed_meanwhile_leaves_no_version_and_no_lock(
    get: Callable[..., None], machine: Path, version: Version, server: Server
) -> None:
    command = [sys.executable, "-c", _KILLED, str(machine), version.checksum, server.url]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parents[3]).returncode == -signal.SIGKILL
    assert find(machine, version) is None
    assert brought(machine, "GRCh38") == []
    assert list((machine / ".downloads").rglob("table.tsv.gz.part"))
    get()
    source = find(machine, version)
    assert source is not None
    assert is_whole(source)
    assert is_clean(machine)


def test_what_came_of_another_version_is_forgotten(
    get: Callable[..., None], machine: Path, version: Version, server: Server
) -> None:
    left = machine / ".downloads" / "GRCh38+mine" / ("0" * 64)
    left.mkdir(parents=True)
    (left / "table.tsv.gz.part").write_bytes(b"half")
    mine = left.with_name(version.checksum)
    mine.mkdir()
    (mine / "stranger").write_text("")

    def check() -> None:
        assert not left.exists()  # not only at the end: it takes space meanwhile

    get(check=check)
    assert is_clean(machine)
    assert "stranger" not in contents(place(machine, version))


def test_several_at_once_bring_it_once(get: Callable[..., None], server: Server) -> None:
    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("manifest.json", "table.tsv.gz", "table.blocks", "table.tsv.gz.tbi"):
        assert len(server.asked(name)) == 1


@pytest.mark.parametrize("name", ["table.tsv.gz", "manifest.json", "table.blocks"])
def test_a_copy_that_was_damaged_here_is_brought_anew(
    get: Callable[..., None], machine: Path, version: Version, name: str
) -> None:
    get()
    (place(machine, version) / name).write_bytes(b"{}")
    assert find(machine, version) is None
    get()
    source = find(machine, version)
    assert source is not None
    assert is_whole(source)
    assert is_clean(machine)


def test_a_manifest_that_leads_out_of_the_folder_is_refused(
    get: Callable[..., None], machine: Path, server: Server
) -> None:
    manifest = json.loads((server.folder / "manifest.json").read_text())
    manifest["files"]["../../out"] = manifest["files"].pop("table.blocks")
    content = json.dumps(manifest).encode()
    (server.folder / "manifest.json").write_bytes(content)
    with pytest.raises(EngineError, match="is no file's name"):
        get(Version("GRCh38", "mine", hashlib.sha256(content).hexdigest()))
    assert not list(machine.rglob("out"))


def test_what_is_held_is_not_deleted_until_it_is_let_go(
    get: Callable[..., None], machine: Path, version: Version
) -> None:
    get()
    source = find(machine, version)
    assert source is not None
    held = hold(source)
    assert held is not None
    seen = brought(machine, "GRCh38")
    prune(machine, seen, [])
    assert find(machine, version) == source
    held.close()
    prune(machine, seen, [version])
    assert find(machine, version) == source
    prune(machine, seen, [])
    assert find(machine, version) is None
    assert hold(source) is None
    assert is_clean(machine)


def test_what_a_killed_process_left_on_its_way_out_goes_with_the_next(
    get: Callable[..., None], machine: Path, version: Version
) -> None:
    get()
    left = place(machine, version).parent / ".gone-abc" / "mine-0"
    left.mkdir(parents=True)
    prune(machine, brought(machine, "GRCh38"), [version])
    assert is_clean(machine)


def test_an_install_does_not_delete_a_version_that_a_run_is_to_open(tmp_path: Path) -> None:
    reference = make_genome(tmp_path)
    first = made(tmp_path, reference)
    held = hold(first)
    assert held is not None
    second = made(tmp_path, reference, "second")
    assert is_whole(first)
    held.close()
    third = made(tmp_path, reference, "third")
    folder = sources_folder(tmp_path, "GRCh38")
    assert list(folder.glob(".mine-*")) == [third.folder]
    assert not second.folder.exists()


def test_discarding_what_is_not_there_or_no_folder(tmp_path: Path) -> None:
    assert discard(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert discard(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
