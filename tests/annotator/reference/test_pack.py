"""Reference packs: those of the library, those of another folder, and defects of a pack."""

import json
import shutil
from pathlib import Path

import pytest

from annotator.errors import EngineError
from annotator.reference import pack
from annotator.reference.pack import available_references, load_reference
from tests.annotator.packs import make_pack
from tests.support.proteins import protein, transcript


def test_the_built_in_pack_says_what_it_is() -> None:
    (info,) = available_references()
    (contig,) = info.contigs
    assert (info.id, info.organism) == ("rCRS", "Homo sapiens")
    assert (contig.name, contig.length, contig.accession, contig.circular) == ("MT", 16569, "NC_012920.1", True)
    assert {"chrM", "M", "NC_012920.1"} <= set(contig.aliases)
    reference = load_reference("rCRS")
    assert reference.canonical("chrM") == "MT"
    assert reference.canonical("chr1") is None
    assert reference.sequence.lengths == reference.lengths == {"MT": 16569}


def test_more_packs_come_from_a_folder(tmp_path: Path) -> None:
    made = make_pack(tmp_path, {"1": "ACGT", "2": "GGCC"}, aliases={"1": ["chr1"]})
    assert [info.id for info in available_references(tmp_path)] == ["rCRS", "test"]
    assert load_reference("test", tmp_path) is made
    assert made.canonical("chr1") == "1"
    assert made.sequence.fetch("2", 2, 3) == "GC"


def test_the_folder_may_be_named_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pack(tmp_path / "packs", {"1": "ACGT"})
    monkeypatch.chdir(tmp_path)
    found = load_reference("test", Path("packs"))
    assert found.fasta.is_absolute()
    assert found.gff.is_absolute()


def test_a_folder_that_is_still_being_filled_is_no_pack(tmp_path: Path) -> None:
    make_pack(tmp_path, {"1": "ACGT"})
    (tmp_path / "test").rename(tmp_path / ".test")
    assert [info.id for info in available_references(tmp_path)] == ["rCRS"]
    with pytest.raises(EngineError):
        load_reference(".test", tmp_path)


def test_a_changed_manifest_is_read_again(tmp_path: Path) -> None:
    first = make_pack(tmp_path, {"1": "ACGT"})
    path = tmp_path / "test" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["version"] = "2"
    path.write_text(json.dumps(manifest))
    second = load_reference("test", tmp_path)
    assert (first.version, second.version) == ("1", "2")
    assert first.checksum != second.checksum


def test_an_unknown_pack_and_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no reference pack 'hg99'"):
        load_reference("hg99", tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text('{"id": "bad"}')
    with pytest.raises(EngineError, match="bad"):
        load_reference("bad", tmp_path)


@pytest.mark.parametrize("manifest", ['{"id": "bad"}', "{", "[]", b"\xff", '{"id": "bad", "contigs": [], "files": []}'])
def test_one_broken_pack_does_not_keep_the_others_from_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, manifest: str | bytes
) -> None:
    make_pack(tmp_path, {"1": "ACGT"})
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_bytes(manifest if isinstance(manifest, bytes) else manifest.encode())
    assert [info.id for info in available_references(tmp_path)] == ["rCRS", "test"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"{tmp_path / 'bad'} is left out" in said
    with pytest.raises(EngineError) as error:
        load_reference("bad", tmp_path)
    assert error.value.code == "bad-reference"


def test_a_pack_that_is_removed_while_they_are_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pack(tmp_path, {"1": "ACGT"}, pack_id="gone")
    make_pack(tmp_path, {"1": "ACGT"}, pack_id="stays")
    list_folders = pack._pack_folders

    def removed_after_listing(extra_dir: Path | None) -> list[Path]:
        found = list_folders(extra_dir)
        shutil.rmtree(tmp_path / "gone", ignore_errors=True)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(pack, "_pack_folders", removed_after_listing)
        assert [info.id for info in available_references(tmp_path)] == ["rCRS", "stays"]
        make_pack(tmp_path, {"1": "ACGT"}, pack_id="other")
        (tmp_path / "other").rename(tmp_path / "gone")
        with pytest.raises(EngineError, match="gone has been removed") as error:
            load_reference("gone", tmp_path)
        assert error.value.code == "no-reference"


@pytest.mark.parametrize("width", [7, 60, 16569])
def test_bases_are_fetched_across_lines(tmp_path: Path, width: int) -> None:
    from annotator.formats.fasta import Sequence

    bases = load_reference("rCRS").sequence.fetch("MT", 1, 16569)[:500]
    fasta = tmp_path / "g.fa"
    lines = [bases[at : at + width] for at in range(0, len(bases), width)]
    fasta.write_text(">x\n" + "\n".join(lines).lower() + "\n")
    (tmp_path / "g.fa.fai").write_text(f"x\t500\t3\t{len(lines[0])}\t{len(lines[0]) + 1}\n")
    sequence = Sequence(fasta)
    for start, end in [(1, 1), (1, 500), (7, 8), (60, 61), (499, 500), (500, 500), (3, 200)]:
        assert sequence.fetch("x", start, end) == bases[start - 1 : end]
    assert sequence.fetch("x", 490, 999) == bases[489:]
    assert sequence.fetch("x", 501, 600) == ""
    assert sequence.fetch("x", -5, 2) == bases[:2]


def test_a_packed_genome_gives_the_same_bases_as_a_plain_one(tmp_path: Path) -> None:
    """Reads at, across and far from the ends of its blocks."""
    import gzip
    import random

    from annotator.formats.fasta import Sequence
    from annotator.install.genome import pack_genome

    dice = random.Random(3)  # noqa: S311
    whole = {
        name: "".join(dice.choices("ACGTacgtN", k=size)) for name, size in (("a", 200_000), ("b", 61), ("c", 70_001))
    }
    lines = [
        f">{name} text\n" + "".join(f"{s[i : i + 60]}\n" for i in range(0, len(s), 60)) for name, s in whole.items()
    ]
    (tmp_path / "g.fa.gz").write_bytes(gzip.compress("".join(lines).encode()))
    found = pack_genome(tmp_path / "g.fa.gz", tmp_path / "packed.fa.gz")
    assert [(one.name, one.length) for one in found] == [(name, len(bases)) for name, bases in whole.items()]
    packed = Sequence(tmp_path / "packed.fa.gz")
    for _ in range(300):
        name = dice.choice("abc")
        start = dice.randint(-5, len(whole[name]) + 5)
        end = start + dice.choice([0, 1, 59, 200, 65_280, 140_000])
        assert packed.fetch(name, start, end) == whole[name][max(start, 1) - 1 : max(end, 0)].upper()


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_transcript_that_begins_in_the_middle_of_a_codon_is_read_from_the_next(tmp_path: Path, strand: str) -> None:
    """Ensembl's transcripts whose start is not known: the phase of the first coding segment says where to begin."""
    coding = "GG" + "ATGGCTGAT" + "C"  # two bases of a codon before, one after
    bases = "AAAA" + coding[:5] + "TTTTT" + coding[5:] + "AAAA"
    segments = [(5, 9), (15, 21)]
    if strand == "-":
        bases = bases[::-1].translate(str.maketrans("ACGT", "TGCA"))
        segments = [(len(bases) + 1 - end, len(bases) + 1 - start) for start, end in reversed(segments)]
    first = segments[0 if strand == "+" else 1]
    tags = "ID=transcript:t;Parent=gene:g;biotype=protein_coding"
    rows = [f"1\tx\tmRNA\t{segments[0][0]}\t{segments[1][1]}\t.\t{strand}\t.\t{tags}\n"]
    rows += [
        f"1\tx\tCDS\t{start}\t{end}\t.\t{strand}\t{2 if (start, end) == first else 0}\tParent=transcript:t\n"
        for start, end in segments
    ]
    made = make_pack(tmp_path, {"1": bases}, genes="".join(rows))
    # Residues are numbered as Ensembl numbers them: the codon that begins before the transcript is the first one.
    assert protein(made, "1", "t") == "XMAD"
    assert (transcript(made, "1", "t").phase, transcript(made, "1", "t").is_numbered) == (2, False)
