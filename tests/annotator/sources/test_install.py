"""Installing from servers that cut, lie and run out, onto disks that are full: all of a source is in use, or none."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pysam
import pytest

from annotator.errors import EngineError
from annotator.install.checksums import Checksum
from annotator.reference.pack import Reference
from annotator.sources import install as installing
from annotator.sources.fields import Wanted
from annotator.sources.install import install, remove, retire
from annotator.sources.lookup import Lookup
from annotator.sources.manifest import Source, installed_sources, load_source, sources_folder
from annotator.sources.origin import Request, preset_request
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.install.server import Behaviour, Server, serving
from tests.annotator.sources.genomes import (
    CLINVAR_HEADER,
    GNOMAD_HEADER,
    genome,
    make_genome,
    other,
    packed,
    refusal,
    text,
)

BASES = genome()["1"]


@pytest.fixture
def references(tmp_path: Path) -> Path:
    return tmp_path / "packs"


@pytest.fixture
def reference(references: Path) -> Reference:
    return make_genome(references)


def clinvar(significance: str, rows: int = 4000, diseases: int = 4000) -> bytes:
    lines = [
        f"1 {pos} {pos} {BASES[pos - 1]} {other(BASES[pos - 1])} . . "
        f"CLNSIG={significance};CLNDN={hashlib.sha256(str(pos % diseases).encode()).hexdigest()}"
        for pos in range(10, 10 + rows)
    ]
    return text(CLINVAR_HEADER, lines)


def publish(folder: Path, content: bytes) -> Path:
    """Put a release of ClinVar where its server has it."""
    folder.mkdir(exist_ok=True)
    file = packed(folder / "clinvar.vcf.gz", content)
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    (folder / "clinvar.vcf.gz.md5").write_text(f"{digest}  /panfs/pan1/clinvar/vcf/clinvar_20261115.vcf.gz\n")
    return file


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    publish(tmp_path / "served", clinvar("Benign"))
    with serving(tmp_path / "served") as running:
        yield running


Get = Callable[..., Source]


@pytest.fixture
def request_(server: Server) -> Request:
    return preset_request("clinvar", "GRCh38", server.url)


@pytest.fixture
def get(reference: Reference, references: Path) -> Get:
    return lambda request: install(request, reference, references, wait=lambda _: None)


@pytest.fixture
def get_refused(reference: Reference, references: Path) -> Callable[[Request], str]:
    """Install what cannot be; gives the error's code, having checked that all is as it was before."""

    def refused(request: Request) -> str:
        before = state(references)
        error = refusal(request, reference, references, wait=lambda _: None)
        assert state(references) == before
        return error.code

    return refused


def state(references: Path) -> dict[str, object]:
    """What runs would find: every file of every source in use."""
    folder = sources_folder(references, "GRCh38")
    if not folder.exists():
        return {}
    used = {path.name: path.resolve() for path in folder.iterdir() if not path.name.startswith(".")}
    versions = {path for path in folder.glob(".*-*") if path.is_dir() and not path.name.startswith((".fetch", ".make"))}
    assert versions == set(used.values())
    assert not list(folder.glob(".make-*"))
    return {name: {file.name: file.read_bytes() for file in home.iterdir()} for name, home in used.items()}


def says(source: Source, reference: Reference, pos: int = 100) -> str | None:
    lookup = Lookup(source, reference)
    (answer,) = lookup.lookup("1", [(pos, BASES[pos - 1], other(BASES[pos - 1]))])
    lookup.close()
    return answer["CLNSIG"] if answer else None


def test_a_known_source_is_fetched_checked_and_put_into_use(
    get: Get, request_: Request, reference: Reference, references: Path, server: Server
) -> None:
    source = get(request_)
    assert installed_sources(references, "GRCh38") == [source]
    assert (source.name, source.title, source.version, source.rows) == ("clinvar", "ClinVar", "2026-11-15", 4000)
    assert source.tags == ("CLNSIG", "CLNDN", "CLNREVSTAT", "CLNVID")
    assert says(source, reference) == "Benign"
    folder = sources_folder(references, "GRCh38")
    assert sorted(path.name for path in folder.iterdir()) == [
        f".clinvar-{source.checksum[:16]}",
        ".lock-clinvar",
        "clinvar",
    ]
    manifest = json.loads((folder / "clinvar" / "manifest.json").read_text())
    (origin,) = manifest["origin"]
    content = (server.folder / "clinvar.vcf.gz").read_bytes()
    assert origin["address"] == f"{server.url}/clinvar.vcf.gz"
    assert origin["sha256"] == hashlib.sha256(content).hexdigest()
    assert origin["compared_with"] == "md5 " + hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert origin["header"] == {"fileDate": "2026-11-15", "source": "ClinVar", "reference": "GRCh38"}
    assert manifest["records"] == {"read": 4000, "rows": 4000, "repeated": 0, "dropped": {}}
    for name, facts in manifest["files"].items():
        data = (folder / "clinvar" / name).read_bytes()
        assert facts == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    with pysam.TabixFile(str(folder / "clinvar" / "table.tsv.gz")) as table:
        assert len(list(table.fetch("1", 99, 110))) == 11


def test_a_later_version_takes_its_place_and_the_same_gives_the_same(
    get: Get, request_: Request, reference: Reference, references: Path, server: Server
) -> None:
    first = get(request_)
    before, place = state(references), first.folder.stat().st_ino
    assert get(request_).checksum == first.checksum
    assert state(references) == before
    assert first.folder.stat().st_ino == place  # a run that begins meanwhile finds it there
    running = Lookup(first, reference)
    publish(server.folder, clinvar("Pathogenic"))
    second = get(request_)
    assert second.checksum != first.checksum
    assert says(second, reference) == "Pathogenic"
    assert installed_sources(references, "GRCh38") == [second]
    # A run that began with the first has it to its end.
    (answer,) = running.lookup("1", [(100, BASES[99], other(BASES[99]))])
    assert answer is not None
    assert answer["CLNSIG"] == "Benign"
    running.close()
    state(references)


def test_there_is_no_moment_without_a_whole_version(
    get: Get, request_: Request, reference: Reference, references: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after every step that changes a name on the disk."""
    get(request_)
    publish(server.folder, clinvar("Pathogenic"))
    seen = []

    def watched(step: Callable[..., object]) -> Callable[..., object]:
        def stepped(*arguments: object, **keywords: object) -> object:
            result = step(*arguments, **keywords)
            (source,) = installed_sources(references, "GRCh38")
            seen.append(says(source, reference))
            return result

        return stepped

    for name in ("unlink", "rename", "replace", "symlink_to"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    monkeypatch.setattr(shutil, "rmtree", watched(shutil.rmtree))
    get(request_)
    assert seen[0] == "Benign"
    assert seen[-1] == "Pathogenic"
    assert seen == sorted(seen)


def test_a_connection_that_is_cut_is_taken_up_where_it_ended(get: Get, request_: Request, server: Server) -> None:
    server.behaviour["clinvar.vcf.gz"] = Behaviour(cut_after=[20_000, 30_000, 10**9])
    assert get(request_).rows == 4000
    asked = server.asked("clinvar.vcf.gz")
    assert asked == [("", 200), ("bytes=20000-", 206), ("bytes=50000-", 206)]


def republish(server: Server, old: bytes = b"", new: bytes = b"") -> Path:
    return publish(server.folder, clinvar("Pathogenic").replace(old, new))


def cut_for_good(server: Server) -> None:
    republish(server)
    server.behaviour["clinvar.vcf.gz"] = Behaviour(cut_after=[1000, 0])


def with_checksum(server: Server, line: str) -> None:
    republish(server)
    (server.folder / "clinvar.vcf.gz.md5").write_text(line)


def half(server: Server) -> None:
    """Half a file, of which the server believes that it is the whole."""
    file = republish(server)
    data = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(data)
    with_it = hashlib.md5(data, usedforsecurity=False).hexdigest() + "  clinvar.vcf.gz\n"
    (server.folder / "clinvar.vcf.gz.md5").write_text(with_it)


def another_build(server: Server) -> None:
    rows = [f"1 {pos} 1 {BASES[pos]} {other(BASES[pos])} . . CLNSIG=x" for pos in range(10, 3000)]
    publish(server.folder, text(CLINVAR_HEADER, rows))


FAULTS: dict[str, Callable[[Server], object]] = {
    "gone": lambda server: republish(server).unlink(),
    "no md5": lambda server: republish(server).with_name("clinvar.vcf.gz.md5").unlink(),
    "cut for good": cut_for_good,
    "wrong checksum": lambda server: with_checksum(server, f"{'0' * 32}  clinvar.vcf.gz\n"),
    "no checksum in it": lambda server: with_checksum(server, "<html>Sorry</html>\n"),
    "half a file": half,
    "another build": another_build,
    "no field": lambda server: republish(server, b"ID=CLNSIG,", b"ID=CLNSIGX,"),
    # What repeats itself after 25 KB makes a small file, and a large table: its blocks are of 16 KB.
    "no space for the table": lambda server: publish(server.folder, clinvar("Pathogenic", diseases=250)),
}


@pytest.mark.parametrize("before", [False, True], ids=["first install", "over an earlier version"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("gone", "not-found"),
        ("no md5", "not-found"),
        ("cut for good", "cut"),
        ("wrong checksum", "wrong-checksum"),
        ("no checksum in it", "wrong-checksum"),
        ("half a file", "unreadable"),
        ("another build", "other-build"),
        ("no field", "no-field"),
        ("no space for the table", "no-space"),
    ],
)
def test_what_goes_wrong_leaves_all_as_it_was(
    get: Get,
    get_refused: Callable[[Request], str],
    request_: Request,
    server: Server,
    fault: str,
    code: str,
    before: bool,
) -> None:
    if before:
        get(request_)
    FAULTS[fault](server)
    file = server.folder / "clinvar.vcf.gz"
    if fault == "no space for the table":
        with no_room_beyond(file.stat().st_size + 1000):
            assert get_refused(request_) == code
    else:
        assert get_refused(request_) == code
    # And once it is put right, it goes through.
    server.behaviour.clear()
    publish(server.folder, clinvar("Pathogenic"))
    assert get(request_).rows == 4000


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from annotator.reference.pack import load_reference
from annotator.sources.errors import SourceError
from annotator.sources.install import install
from annotator.sources.origin import preset_request
packs, disk = Path(sys.argv[1]), Path(sys.argv[2])
reference = load_reference("GRCh38", packs)
try:
    install(preset_request("clinvar", "GRCh38", sys.argv[3]), reference, disk)
except SourceError as error:
    print(error.code, error.message)
print(sorted(path.name for path in (disk / "sources" / "GRCh38").iterdir()))
"""


@pytest.mark.parametrize(("kilobytes", "by_address"), [(100, True), (300, False), (600, False)])
def test_a_disk_that_is_full(
    server: Server, reference: Reference, references: Path, tmp_path: Path, kilobytes: int, by_address: bool
) -> None:
    """A real one, in a namespace of its own: full while fetching, and while the table is written."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size={kilobytes}k tmpfs {disk}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    big = publish(server.folder, clinvar("Benign", 20_000))
    assert big.stat().st_size > 800_000
    where = server.url if by_address else str(server.folder)
    run = f'{mount} && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", run, "sh", sys.executable, "-c", _ON_A_SMALL_DISK]
    done = subprocess.run(
        [*command, str(references), str(disk), where],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    sentence, left = done.stdout.splitlines()
    assert sentence.startswith("no-space There is not enough space")
    assert "'clinvar'" not in left
    assert ".make" not in left


def test_an_install_that_was_killed_is_gone_on_with(
    get: Get, request_: Request, references: Path, server: Server
) -> None:
    """What a killed process leaves: half a table, half a link, a part of the download."""
    folder = sources_folder(references, "GRCh38")
    (folder / ".make-clinvar" / "new").mkdir(parents=True)
    (folder / ".make-clinvar" / "new" / "table.tsv.gz").write_bytes(b"half")
    (folder / ".link-clinvar").symlink_to("nowhere")
    assert installed_sources(references, "GRCh38") == []
    assert get(request_).rows == 4000
    assert not (folder / ".make-clinvar").exists()


def test_two_installs_at_once(
    get: Get, request_: Request, reference: Reference, references: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = installing.convert
    seen = []

    def meanwhile(*arguments: object, **keywords: object) -> object:
        seen.append(refusal(request_, reference, references).code)
        return convert(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(installing, "convert", meanwhile)
    assert get(request_).rows == 4000
    assert seen == ["busy"]


def test_a_file_of_this_machine_is_read_where_it_is(
    get: Get, get_refused: Callable[[Request], str], server: Server
) -> None:
    file = server.folder / "clinvar.vcf.gz"
    fields = (Wanted("CLNSIG", "mine_CLNSIG"),)
    source = get(Request("mine", "Mine", fields, (str(file),), version="2"))
    assert (source.version, source.tags) == ("2", ("mine_CLNSIG",))
    assert file.exists()
    assert str(server.folder) not in (source.folder / "manifest.json").read_text()
    by_address = get(Request("mine", "Mine", fields, (file.as_uri(),), version="2"))
    assert by_address.rows == source.rows
    wrong = Checksum("sha256", "0" * 64)
    assert get_refused(Request("mine", "Mine", fields, (str(file),), checksum=wrong)) == "wrong-checksum"
    assert (
        get_refused(Request("mine", "Mine", fields, (f"{server.url}/clinvar.vcf.gz",), checksum=wrong))
        == "wrong-checksum"
    )
    assert get_refused(Request("mine", "Mine", fields, (str(file) + ".not",))) == "not-found"


def test_gnomad_by_chromosome(get: Get, reference: Reference, server: Server) -> None:
    rows = {"1": 100, "2": 200}
    for contig, pos in rows.items():
        base = genome()[contig][pos - 1]
        row = f"chr{contig} {pos} . {base} {other(base)} . PASS AF=0.25;AC=1"
        packed(server.folder / f"gnomad.genomes.v4.1.sites.chr{contig}.vcf.bgz", text(GNOMAD_HEADER, [row]))
    request = preset_request("gnomad", "GRCh38", server.url)
    assert len(request.files) == 24
    files = tuple(file for file in request.files if file.endswith(("chr1.vcf.bgz", "chr2.vcf.bgz")))
    source = get(Request("gnomad", request.title, request.fields, files))
    assert (str(source), source.tags, source.rows) == ("gnomAD 4.1", ("gnomAD_AF",), 2)


def test_files_of_one_name_are_not_taken_for_each_other(get: Get, server: Server) -> None:
    for contig in ("1", "2"):
        base = genome()[contig][99]
        (server.folder / contig).mkdir()
        content = text(GNOMAD_HEADER, [f"{contig} 100 . {base} {other(base)} . PASS AF=0.25"])
        packed(server.folder / contig / "sites.vcf.gz", content)
    files = tuple(f"{server.url}/{contig}/sites.vcf.gz" for contig in ("1", "2"))
    source = get(Request("mine", "Mine", (Wanted("AF", "mine_AF"),), files, version="1"))
    assert set(source.sections) == {"1", "2"}


def test_requests_that_make_no_sense(get: Get, get_refused: Callable[[Request], str], server: Server) -> None:
    get(preset_request("clinvar", "GRCh38", server.url))
    file = (str(server.folder / "clinvar.vcf.gz"),)
    assert get_refused(Request("mine", "Mine", (Wanted("CLNSIG", "CLNSIG"),), file)) == "clash"
    assert get_refused(Request("mine", "Mine", (Wanted("CLNSIG", "GAS_CSQ"),), file)) == "clash"
    assert get_refused(Request("../mine", "Mine", (Wanted("CLNSIG", "X"),), file)) == "bad-request"
    assert get_refused(Request("mine", "Mine", (), file)) == "bad-request"
    assert preset_request("dbsnp", "GRCh38-116").files == preset_request("dbsnp", "GRCh38").files
    for name, pack in (("cosmic", "GRCh38"), ("clinvar", "GRCm39")):
        with pytest.raises(installing.SourceError, match="--from"):
            preset_request(name, pack)


def test_a_source_is_retired_reinstated_and_removed(get: Get, request_: Request, references: Path) -> None:
    source = get(request_)
    retire(references, "GRCh38", "clinvar")
    assert installed_sources(references, "GRCh38") == []
    assert installed_sources(references, "GRCh38", retired=True) == [source]
    retire(references, "GRCh38", "clinvar", retired=False)
    assert installed_sources(references, "GRCh38") == [source]
    remove(references, "GRCh38", "clinvar")
    assert state(references) == {}
    for name in ("clinvar", "..", ".lock-clinvar"):
        with pytest.raises(installing.SourceError, match="installed for GRCh38"):
            remove(references, "GRCh38", name)


@pytest.mark.parametrize("word", ["fetch", "make", "lock", "link", "Retired"])
def test_a_source_cannot_have_the_name_of_what_others_work_in(
    get: Get, request_: Request, references: Path, server: Server, word: str
) -> None:
    """.fetch-other would be a version of a source that is called fetch."""
    get(request_)
    folder = sources_folder(references, "GRCh38")
    work = folder / f".{word}-other"
    work.mkdir()
    file = (str(server.folder / "clinvar.vcf.gz"),)
    with pytest.raises(installing.SourceError, match="another name"):
        get(Request(word, "Mine", (Wanted("CLNSIG", "X"),), file))
    (folder / word).symlink_to(".clinvar-of-old")
    with pytest.raises(installing.SourceError, match=f"No source {word} is installed"):
        remove(references, "GRCh38", word)
    assert work.is_dir()


def test_a_file_where_a_folder_is_expected_is_removed_like_one(
    get: Get, request_: Request, references: Path, server: Server
) -> None:
    home = get(request_).folder
    folder = home.parent
    shutil.rmtree(home)
    for path in (home, folder / ".make-clinvar", folder / ".fetch-clinvar", folder / ".clinvar-older"):
        path.write_text("")
    assert get(request_).folder == home
    assert sorted(path.name for path in folder.iterdir()) == [home.name, ".lock-clinvar", "clinvar"]
    (folder / ".clinvar-older").write_text("")
    remove(references, "GRCh38", "clinvar")
    assert [path.name for path in folder.iterdir()] == [".lock-clinvar"]


def test_a_damaged_source_is_told_and_can_be_replaced(get: Get, request_: Request, references: Path) -> None:
    home = get(request_).folder
    (home / "manifest.json").write_text("{")
    with pytest.raises(EngineError, match="clinvar cannot be read"):
        installed_sources(references, "GRCh38")
    assert get(request_).folder == home
    with (home / "table.tsv.gz").open("r+b") as file:
        file.truncate(1000)
    assert get(request_).folder == home
    assert (home / "table.tsv.gz").stat().st_size > 1000
    shutil.rmtree(home)
    with pytest.raises(EngineError, match="clinvar cannot be read"):
        load_source(sources_folder(references, "GRCh38") / "clinvar")
    assert get(request_).rows == 4000
    assert [source.name for source in installed_sources(references, "GRCh38")] == ["clinvar"]
