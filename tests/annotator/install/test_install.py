"""Installing a pack from servers and disks that fail: it goes on, or says why; half a pack is never in use."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from annotator.errors import EngineError
from annotator.install import download, place
from annotator.install import genome as genome_files
from annotator.install.download import DownloadError
from annotator.install.errors import InstallError
from annotator.install.install import Installed, Wanted, install
from annotator.reference.pack import Reference, available_references, load_reference
from tests.annotator.install.disks import no_room_beyond
from tests.annotator.install.server import Behaviour, Server
from tests.annotator.packs import genetic_codes
from tests.support.genome import ASSEMBLY, RELEASE, SPECIES, STEM, Genome, gff3, serve_as_ensembl, write_sums
from tests.support.proteins import protein

FASTA = f"{STEM}.dna.toplevel.fa.gz"
GFF = f"{STEM}.{RELEASE}.gff3.gz"


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)


@pytest.fixture
def refs(tmp_path: Path) -> Path:
    return tmp_path / "references"


def get(server: Server, refs: Path, **how: str) -> Installed:
    return install(Wanted(SPECIES, base=server.url, **how), refs)  # type: ignore[arg-type]


def in_use(refs: Path) -> list[str]:
    """What a worker would find."""
    return [info.id for info in available_references(refs)]


def temporary(refs: Path) -> list[str]:
    return sorted(path.name for path in refs.glob(".installing-*"))


def test_what_is_installed_is_the_genome_and_its_genes(ensembl: Server, refs: Path, genome: Genome) -> None:
    done = get(ensembl, refs)
    assert (done.folder, done.new) == (refs / ASSEMBLY, True)
    reference = load_reference(ASSEMBLY, refs)
    for contig in reference.contigs:
        bases = genome.sequences[contig.name]
        assert (contig.length, contig.md5) == (
            len(bases),
            hashlib.md5(bases.encode(), usedforsecurity=False).hexdigest(),
        )
        assert reference.sequence.fetch(contig.name, 1, len(bases)) == bases
    for gene in genome.genes.values():
        if gene.protein:
            assert protein(reference, gene.contig, gene.transcript) == gene.protein
        assert [one.name for one in reference.gene_models.genes(gene.contig, gene.start, gene.start)] == [gene.name]
    assert reference.canonical("NC_000902.1") == "2"
    assert [contig.circular for contig in reference.contigs] == [False, False, True]
    assert temporary(refs) == []
    assert not (refs / place.DOWNLOADS / ASSEMBLY).exists()


def test_the_manifest_says_where_everything_comes_from(ensembl: Server, refs: Path) -> None:
    folder = get(ensembl, refs).folder
    manifest = json.loads((folder / "manifest.json").read_text())
    genome, genes = manifest["sources"]
    served = ensembl.folder / f"release-{RELEASE}/fasta/{SPECIES}/dna" / FASTA
    assert genome["url"].endswith(f"/current_fasta/{SPECIES}/dna/{FASTA}")
    assert genome["sha256"] == hashlib.sha256(served.read_bytes()).hexdigest()
    assert genes["published_checksum"].startswith("sum ")
    assert genes["modified"].endswith("GMT")
    assert (manifest["version"], manifest["assembly"]) == (f"Ensembl {RELEASE}", ASSEMBLY)
    assert manifest["annotation"]["genebuild-last-updated"] == "2026-01"
    for row in manifest["files"].values():
        content = (folder / row["name"]).read_bytes()
        assert (row["size"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert {row["name"] for row in manifest["files"].values()} == {p.name for p in folder.iterdir()} - {"manifest.json"}


def test_the_same_sources_make_the_same_pack(ensembl: Server, refs: Path, tmp_path: Path) -> None:
    first, second = get(ensembl, refs).folder, get(ensembl, tmp_path / "again").folder
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_bcftools_reads_the_indexes(ensembl: Server, refs: Path, genome: Genome) -> None:
    folder = get(ensembl, refs).folder
    script = (
        "import pysam\n"
        f"print(pysam.FastaFile('{folder}/genome.fa.gz').fetch('2', 19_999, 20_100))\n"
        f"print(len(list(pysam.TabixFile('{folder}/genes.gff3.gz', index='{folder}/genes.gff3.gz.csi').fetch('2'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    bases, rows = done.stdout.split()
    assert bases == genome.sequences["2"][19_999:20_100]
    wanted = [
        r for r in gff3(genome).splitlines() if r.startswith("2\t") and "biological" not in r and "chromosome:" not in r
    ]
    assert int(rows) == len(wanted)


# --- Servers


def test_connections_that_are_cut_are_gone_on_with(ensembl: Server, refs: Path) -> None:
    ensembl.behaviour["toplevel.fa.gz"] = Behaviour(cut_after=[10_000, 5_000, 10**9])
    ensembl.behaviour["gff3.gz"] = Behaviour(cut_after=[400, 10**9])
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]
    assert ensembl.asked(FASTA) == [("", 200), ("bytes=10000-", 206), ("bytes=15000-", 206)]
    assert ensembl.asked(GFF) == [("", 200), ("bytes=400-", 206)]


def test_a_server_that_ignores_ranges_still_gives_a_pack(ensembl: Server, refs: Path) -> None:
    ensembl.behaviour["toplevel.fa.gz"] = Behaviour(ranges=False, cut_after=[10_000, 10**9])
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_runs_out_half_way_is_said_and_gone_on_with_next_time(
    ensembl: Server, refs: Path, ranges: bool
) -> None:
    ensembl.behaviour["toplevel.fa.gz"] = Behaviour(ranges=ranges, cut_after=[15_000, 0] if ranges else [15_000])
    with pytest.raises(DownloadError, match="it ended after 15,000 of"):
        get(ensembl, refs)
    assert in_use(refs) == ["rCRS"]
    ensembl.behaviour.clear()
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]
    assert ensembl.asked(FASTA)[-1] == ("bytes=15000-", 206)


@pytest.mark.parametrize("which", ["fasta", "gff3"])
def test_a_wrong_checksum_is_said_and_nothing_is_kept_of_the_file(ensembl: Server, refs: Path, which: str) -> None:
    (sums,) = (ensembl.folder / f"release-{RELEASE}" / which).rglob("CHECKSUMS")
    lines = [line.split() for line in sums.read_text().splitlines()]
    sums.write_text("".join(f"{(int(a) + 1) % 65536} {b} {name}\n" for a, b, name in lines))
    with pytest.raises(DownloadError, match=r"came damaged, or its published checksum is of another file") as error:
        get(ensembl, refs)
    assert error.value.code == "wrong-checksum"
    assert in_use(refs) == ["rCRS"]
    assert not list((refs / place.DOWNLOADS).rglob("*.part*"))


def test_a_damaged_file_with_the_right_length_is_noticed(ensembl: Server, refs: Path) -> None:
    path = ensembl.folder / f"release-{RELEASE}/fasta/{SPECIES}/dna" / FASTA
    content = bytearray(path.read_bytes())
    content[20_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DownloadError, match="came damaged"):
        get(ensembl, refs)
    assert in_use(refs) == ["rCRS"]


def test_without_published_checksums_nothing_is_taken(ensembl: Server, refs: Path) -> None:
    (ensembl.folder / f"release-{RELEASE}/gff3/{SPECIES}/CHECKSUMS").unlink()
    with pytest.raises(InstallError, match="has no CHECKSUMS"):
        get(ensembl, refs)


def test_a_server_that_is_down_is_said(refs: Path) -> None:
    with pytest.raises(DownloadError, match="there is no connection"):
        install(Wanted(SPECIES, base="http://127.0.0.1:1"), refs)


# --- Disks


def test_no_space_for_the_download(ensembl: Server, refs: Path) -> None:
    with no_room_beyond(20_000), pytest.raises(DownloadError, match="not enough space") as error:
        get(ensembl, refs)
    assert error.value.code == "no-space"
    assert in_use(refs) == ["rCRS"]
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]
    assert ensembl.asked(FASTA)[-1] == ("bytes=20000-", 206)


def test_no_space_for_the_pack(ensembl: Server, refs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources fit; what is made of them does not."""
    source = ensembl.folder / f"release-{RELEASE}/fasta/{SPECIES}/dna" / FASTA
    monkeypatch.setattr(genome_files, "LEVEL", 1)  # so that the pack's genome is larger than what it is made of
    with no_room_beyond(source.stat().st_size + 10), pytest.raises(InstallError, match="not enough space in") as error:
        get(ensembl, refs)
    assert error.value.code == "no-space"
    assert in_use(refs) == ["rCRS"]
    assert temporary(refs) == []
    before = len(ensembl.asked(FASTA))
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]
    assert len(ensembl.asked(FASTA)) == before  # it was there


def test_too_little_space_is_said_before_the_work(
    ensembl: Server, refs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = download.shutil.disk_usage(tmp_path)  # type: ignore[attr-defined]
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=34_000))
    with pytest.raises(InstallError, match="bytes more are needed"):
        get(ensembl, refs)


def test_a_folder_that_cannot_be_written(ensembl: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError, match="failed: "):
        get(ensembl, tmp_path / "file" / "refs")


# --- What else can go wrong


def test_a_process_that_is_killed_leaves_nothing_in_use_and_the_next_one_cleans_up(ensembl: Server, refs: Path) -> None:
    """Killed after everything was built, in front of the rename."""
    script = (
        "import os, pathlib, sys\n"
        "from annotator.install import place\n"
        "from annotator.install.install import Wanted, install\n"
        "place.verify = lambda folder: os.kill(os.getpid(), 9)\n"
        f"install(Wanted({SPECIES!r}, base={ensembl.url!r}), pathlib.Path({str(refs)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -9
    (left,) = temporary(refs)
    assert (refs / left / ASSEMBLY / "manifest.json").exists()
    assert in_use(refs) == ["rCRS"]
    with pytest.raises(EngineError):
        load_reference(ASSEMBLY, refs)
    get(ensembl, refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]
    assert temporary(refs) == []


def test_installing_again_finds_it_there(ensembl: Server, refs: Path) -> None:
    get(ensembl, refs)
    before = len(ensembl.requests)
    assert not get(ensembl, refs).new
    assert {path.rpartition("/")[2] for path, _, _ in ensembl.requests[before:]} == {"CHECKSUMS"}


def test_a_pack_is_never_replaced_and_another_release_goes_beside_it(
    ensembl: Server, refs: Path, genome: Genome
) -> None:
    get(ensembl, refs)
    before = load_reference(ASSEMBLY, refs).checksum
    serve_as_ensembl(ensembl.folder, genome, release="116", current=False)
    with pytest.raises(InstallError, match=r"installed as Ensembl 115.*--id TEST1\.0-116"):
        get(ensembl, refs, release="116")
    get(ensembl, refs, release="116", pack_id=f"{ASSEMBLY}-116")
    assert in_use(refs) == ["rCRS", ASSEMBLY, f"{ASSEMBLY}-116"]
    assert load_reference(ASSEMBLY, refs).checksum == before


def test_two_at_once_install_it_once(ensembl: Server, refs: Path) -> None:
    done: list[Installed] = []
    threads = [threading.Thread(target=lambda: done.append(get(ensembl, refs))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.new for one in done) == [False, False, True]
    assert len(ensembl.asked(FASTA)) == 1


def test_genes_of_another_build_are_refused(ensembl: Server, refs: Path, genome: Genome) -> None:
    other = gff3(genome).replace("chromosome\t1\t60000", "chromosome\t1\t61000")
    publish(ensembl, gff=other)
    with pytest.raises(InstallError, match=r"chromosome up to base 61,000 of 1, which has 60,000"):
        get(ensembl, refs)
    assert in_use(refs) == ["rCRS"]
    assert temporary(refs) == []


def test_a_mitochondrion_that_does_not_read_in_its_code_is_refused_and_can_be_told(
    ensembl: Server, refs: Path, genome: Genome
) -> None:
    with pytest.raises(InstallError, match=r"1 of 1 proteins of contig MT .* genetic code 1.*--genetic-code MT=N"):
        install(Wanted(SPECIES, base=ensembl.url, codes={"MT": 1}), refs)
    assert in_use(refs) == ["rCRS"]
    install(Wanted(SPECIES, base=ensembl.url, codes={"MT": 5}), refs)
    assert genetic_codes(load_reference(ASSEMBLY, refs))["MT"] == 5
    with pytest.raises(InstallError, match="no genetic code 99"):
        install(Wanted(SPECIES, base=ensembl.url, codes={"MT": 99}, pack_id="x"), refs)


def test_a_mitochondrion_is_known_by_its_genes_too(ensembl: Server, refs: Path, genome: Genome) -> None:
    text = gff3(genome).replace("MT\t", "scaffold_9\t").replace("chromosome:MT", "chromosome:scaffold_9")
    text += "scaffold_9\t.\tncRNA_gene\t10\t70\t.\t+\t.\tID=gene:T1;biotype=Mt_tRNA\n"
    text += "scaffold_9\t.\ttRNA\t10\t70\t.\t+\t.\tID=transcript:T1;Parent=gene:T1;biotype=Mt_tRNA\n"
    publish(ensembl, gff=text, fasta=lambda old: old.replace(b">MT ", b">scaffold_9 "))
    get(ensembl, refs)
    assert genetic_codes(load_reference(ASSEMBLY, refs))["scaffold_9"] == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no FASTA\n", "does not begin with"),
        (b"", "has no sequences"),
        (b">1 x\nACGT\n>1 y\nACGT\n", "with one name"),
        (b">1 x\n>2 y\nACGT\n", "has no bases"),
        (b">1 x\nACGT\nAC\nACGT\n", "cannot be|can be indexed"),
    ],
)
def test_what_is_no_genome_is_said(ensembl: Server, refs: Path, content: bytes, words: str) -> None:
    publish(ensembl, fasta=lambda _: content)
    with pytest.raises(InstallError, match=words):
        get(ensembl, refs)
    assert in_use(refs) == ["rCRS"]


def publish(server: Server, *, gff: str = "", fasta: object = None) -> None:
    """Put other contents on the server, with checksums that fit them."""
    dna, genes = (server.folder / f"release-{RELEASE}" / end for end in (f"fasta/{SPECIES}/dna", f"gff3/{SPECIES}"))
    if gff:
        (genes / GFF).write_bytes(gzip.compress(gff.encode()))
        write_sums(genes)
    if fasta:
        (dna / FASTA).write_bytes(gzip.compress(fasta(gzip.decompress((dna / FASTA).read_bytes()))))  # type: ignore[operator]
        write_sums(dna)


def test_a_pack_that_was_damaged_later_is_noticed(ensembl: Server, refs: Path) -> None:
    folder = get(ensembl, refs).folder
    place.verify(folder)
    with (folder / "genes.gff3.gz").open("r+b") as file:
        file.seek(100)
        file.write(b"\0")
    with pytest.raises(InstallError, match=r"genes\.gff3\.gz of TEST1\.0 is missing or not what"):
        place.verify(folder)


def test_a_pack_whose_id_begins_like_anothers_leaves_its_work_alone(pack: Reference, refs: Path) -> None:
    """GRCh38 is installed, and GRCh38-116 removed, while GRCh38-116-b is being filled."""
    refs.mkdir()
    second, third = f"{ASSEMBLY}-116", f"{ASSEMBLY}-116-b"
    with place.staged(refs, third) as inner:
        (inner / "work").write_text("")
        shutil.copytree(pack.fasta.parent, refs / second)
        place.remove(refs / second)
        with place.staged(refs, ASSEMBLY) as other:
            shutil.copytree(pack.fasta.parent, other, dirs_exist_ok=True)
        assert (inner / "work").exists()
        shutil.copytree(pack.fasta.parent, inner, dirs_exist_ok=True)
        manifest = inner / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "id": third}))
    assert in_use(refs) == ["rCRS", ASSEMBLY, third]
    assert temporary(refs) == []


def test_what_a_killed_removal_left_is_removed_by_the_next_install(
    pack: Reference, refs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(pack.fasta.parent, refs / ASSEMBLY)
    with monkeypatch.context() as patch:
        patch.setattr("annotator.install.place.shutil.rmtree", lambda *_, **__: None)
        place.remove(refs / ASSEMBLY)
    assert len(temporary(refs)) == 1
    with place.staged(refs, ASSEMBLY) as inner:
        shutil.copytree(pack.fasta.parent, inner, dirs_exist_ok=True)
    assert temporary(refs) == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "x\\y"])
def test_a_manifest_cannot_lead_out_of_its_pack(name: str) -> None:
    with pytest.raises(InstallError, match="no file's name"):
        place.safe_name(name)


def test_a_folder_of_this_machine_with_the_files_beside_each_other(ensembl: Server, refs: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*ensembl.folder.rglob(f"release-*/**/{FASTA}"), *ensembl.folder.rglob(f"release-*/**/{GFF}")):
        os.link(path, flat / path.name)
    write_sums(flat)
    install(Wanted(SPECIES, base=flat.as_uri()), refs)
    assert in_use(refs) == ["rCRS", ASSEMBLY]


def test_an_assembly_report_gives_more_names(ensembl: Server, refs: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    row = "Chromosome one\tassembled-molecule\t1\tChromosome\tXX1.1\t=\tNC_111.1\tPrimary\t60000\tchrOne\r\n"
    report.write_text(f"# Sequence-Name\tand so on\r\n{row}bad\n")
    install(Wanted(SPECIES, base=ensembl.url, report=report.as_uri()), refs)
    reference = load_reference(ASSEMBLY, refs)
    assert [reference.canonical(name) for name in ("chrOne", "XX1.1", "NC_111.1", "chr1")] == ["1"] * 4
    assert reference.canonical("Chromosome one") is None  # no name can have a space in a VCF
