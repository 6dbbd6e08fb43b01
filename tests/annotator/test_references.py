"""Reference packs: those of the library, those of a folder beside it, and what is wrong with one."""

import json
from pathlib import Path

import pytest

from annotator.errors import EngineError
from annotator.references import available_references, load_reference
from tests.annotator.packs import make_pack


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


@pytest.mark.parametrize("width", [7, 60, 16569])
def test_bases_are_fetched_across_lines(tmp_path: Path, width: int) -> None:
    from annotator.sequence import Sequence

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
