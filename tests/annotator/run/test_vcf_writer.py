"""What comes out: the file's own columns untouched, the annotator's tags, and where it all came from."""

import gzip
import io
import json
from pathlib import Path

import pysam
import pytest

from annotator.effects import info_tags
from annotator.formats.bcftools import versions
from annotator.formats.bgzf import END, BgzfWriter
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Outputs
from tests.support.small_vcfs import HEADER, Annotate, vcf


def test_every_column_but_info_comes_back_byte_for_byte(run: Annotate, sample: bytes) -> None:
    given = [line.split("\t") for line in sample.decode().splitlines() if not line.startswith("#")]
    result = run(sample)
    assert len(given) == len(result.records) == 1200
    for before, after in zip(given, result.records, strict=True):
        assert after[:7] == before[:7]
        assert after[8:] == before[8:]
        assert after[7].startswith(before[7] + ";")
    kept = [line for line in sample.decode().splitlines() if line.startswith("##")]
    assert [line for line in result.header if line in kept] == kept


def test_numbers_keep_all_their_digits(run: Annotate) -> None:
    header = HEADER.replace("##contig", '##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n##contig')
    result = run(vcf("MT 73 . A G 3070.123456789 PASS AF=0.12345678901", header=header))
    assert result.records[0][5] == "3070.123456789"
    assert result.info()["AF"] == "0.12345678901"


def test_other_tools_read_the_result_and_its_index(run: Annotate, sample: bytes) -> None:
    result = run(sample)
    with pysam.VariantFile(str(result.folder / "annot.vcf.gz")) as file:
        (found,) = file.fetch("chrM", 11777, 11778)
        assert found.info["GAS_KNOWN"] == ("LHON",)
        assert found.info["GAS_HGVSG"] == ("m.11778G>A",)
        assert len(list(file.fetch("chrM", 16000, 16569))) == sum(int(row[1]) > 16000 for row in result.records)


def test_every_tag_that_is_used_is_declared_and_documented(run: Annotate, sample: bytes) -> None:
    result = run(sample)
    text = (Path(__file__).parents[3] / "docs" / "annotation.md").read_text(encoding="utf-8")
    used = {tag for number in range(len(result.records)) for tag in result.info(number)} - {"DP", "MQ"}
    # Mitochondrial genes have no c. descriptions.
    assert used == set(info_tags.OWN) - {info_tags.HGVS_C, info_tags.TRANSCRIPT}
    for tag in used:
        assert any(line.startswith(f"##INFO=<ID={tag},") for line in result.header)
        assert f"`{tag}`" in text


def test_the_header_says_where_it_comes_from(run: Annotate, rcrs: Reference) -> None:
    result = run(vcf("MT 73 . A G"), provenance={"job": "4f1c", "file name": 'my "best" 📁\nfile'})
    facts = dict(line[6:].split("=", 1) for line in result.header if line.startswith("##gas_"))
    assert facts["job"] == '"4f1c"'
    assert facts["file_name"] == '"my \\"best\\" 📁?file"'
    assert versions()["bcftools"] in facts["libraries"]
    assert rcrs.checksum in facts["reference"]
    assert facts["records"] == '"in 1, out 1, skipped 0"'
    for words in ("4f1c", "📁", versions()["bcftools"], "1 records in = 1 records out + 0 skipped"):
        assert words in result.log


def test_the_same_input_gives_the_same_bytes(run: Annotate, sample: bytes) -> None:
    first, second = run(sample), run(sample)
    for name in ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_provenance_alone_makes_the_bytes_differ(run: Annotate) -> None:
    first = run(vcf("MT 73 . A G"), provenance={"job": "1"})
    second = run(vcf("MT 73 . A G"), provenance={"job": "2"})
    assert (first.folder / "annot.vcf.gz").read_bytes() != (second.folder / "annot.vcf.gz").read_bytes()
    assert first.records == second.records


def test_only_the_files_of_the_result_are_left(run: Annotate, sample: bytes) -> None:
    outputs = Outputs(), Outputs(stats=True), Outputs(stats=True, table_records=10_000)
    left = [sorted(path.name for path in run(sample, outputs=one).folder.iterdir()) for one in outputs]
    always = ["annot.vcf.gz", "annot.vcf.gz.tbi", "log.txt", "summary.json"]
    stats, tables = ["annot.stats.txt"], ["annot.parquet", "annot.tsv.gz"]
    assert left == [always, sorted(always + stats), sorted(always + stats + tables)]


def test_the_summary_adds_up(run: Annotate, sample: bytes) -> None:
    result = run(sample)
    summary = result.report.summary
    assert json.loads((result.folder / "summary.json").read_text()) == summary
    assert summary["records"] == {"in": 1200, "out": 1200, "skipped": 0}
    assert summary["alleles"] == 1200
    assert sum(summary["variant_types"].values()) == 1200
    assert sum(summary["consequences"].values()) == 1200
    assert summary["titv"]["transitions"] + summary["titv"]["transversions"] == summary["variant_types"]["SNV"]
    counts = [row["count"] for row in summary["genes"]]
    assert counts == sorted(counts, reverse=True)
    # Counted again from the file itself.
    seen: dict[str, int] = {}
    for number in range(1200):
        term = result.info(number)["GAS_CSQ"]
        seen[term] = seen.get(term, 0) + 1
    assert seen == summary["consequences"]
    assert {row["change"] for row in summary["known"]} >= {"m.11778G>A", "m.3243A>G"}
    assert len(result.report.preview) == 100


def test_placeholders_are_not_counted_as_variants(run: Annotate) -> None:
    summary = run(vcf("MT 73 . A G,*,<NON_REF>", "MT 100 . G .", "MT 4500 . T <DEL>")).report.summary
    assert summary["alleles"] == 2
    assert summary["variant_types"] == {"SNV": 1, "insertion": 0, "deletion": 0, "MNV": 0, "other": 1}
    assert summary["consequences"] == {"upstream_gene_variant": 1, "frameshift_variant": 1}


@pytest.mark.parametrize(
    ("record", "type_", "term", "change", "protein"),
    [
        ("MT 73 . A G", "SNV", "upstream_gene_variant", "m.73A>G", ""),
        ("MT 3308 . T C", "SNV", "start_lost", "m.3308T>C", "p.Met1?"),
        ("MT 4262 . A C", "SNV", "incomplete_terminal_codon_variant", "m.4262A>C", ""),
        ("MT 5511 . T C", "SNV", "incomplete_terminal_codon_variant", "m.5511T>C", ""),
        ("MT 7444 . G A", "SNV", "stop_lost", "m.7444G>A", "p.Ter514LysextTer?"),
        ("MT 7445 . A G", "SNV", "stop_retained_variant", "m.7445A>G", "p.Ter514="),
        ("MT 8527 . A G", "SNV", "start_retained_variant", "m.8527A>G", "MT-ATP8 p.Lys54=; MT-ATP6 p.Met1="),
        ("MT 14673 . T G", "SNV", "start_lost", "m.14673T>G", "p.Met1?"),
        ("MT 3860 . G A", "SNV", "stop_gained", "m.3860G>A", "p.Trp185Ter"),
        ("MT 4502 . TACC T", "deletion", "inframe_deletion", "m.4504_4506del", "p.Thr12del"),
        ("MT 4510 . TTG T", "deletion", "frameshift_variant", "m.4511_4512del", "p.Ala15Ter"),
        ("MT 4501 . C CAC", "insertion", "frameshift_variant", "m.4501_4502insAC", "p.Thr12LeufsTer12"),
        ("MT 3242 . GA AG", "MNV", "non_coding_transcript_exon_variant", "m.3242_3243delinsAG", ""),
        ("MT 309 . C CC", "insertion", "upstream_gene_variant", "m.309dup", ""),
        ("MT 8270 . CACCCCCTCT C", "deletion", "upstream_gene_variant", "m.8281_8289del", ""),
    ],
)  # fmt: skip
def test_consequences(run: Annotate, record: str, type_: str, term: str, change: str, protein: str) -> None:
    row = run(vcf(record)).report.preview[0]
    assert (row["type"], row["consequence"], row["change"], row["protein"]) == (type_, term, change, protein)


def test_a_result_is_whole_bgzip(run: Annotate, sample: bytes) -> None:
    packed = (run(sample).folder / "annot.vcf.gz").read_bytes()
    assert packed.endswith(bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"))
    assert gzip.decompress(packed).count(b"\n") > 1200


def test_a_contig_without_genes_is_annotated_too(tmp_path: Path) -> None:
    from tests.annotator.packs import make_pack

    reference = make_pack(tmp_path, {"1": "ACGTACGTAC", "bare": "ACGTACGTAC"})
    source = tmp_path / "in.vcf"
    source.write_text(vcf("1 2 . C T", "bare 3 . G T", header=HEADER.replace("MT", "1")))
    (tmp_path / "out").mkdir()
    report = annotate(source, tmp_path / "out", reference=reference)
    assert [row["gene"] for row in report.preview] == ["g", ""]
    assert [row["change"] for row in report.preview] == ["g.2C>T", "g.3G>T"]


@pytest.mark.parametrize("sizes", [[100, 65_279, 1], [65_280], [65_281, 7], [30_000, 40_000, 200_000]])
def test_bgzip_blocks_do_not_depend_on_how_text_is_handed_over(sizes: list[int]) -> None:
    text = b"".join(f"{number}\n".encode() for number in range(60_000))
    at_once, in_parts = io.BytesIO(), io.BytesIO()
    whole, parts = BgzfWriter(at_once), BgzfWriter(in_parts)
    whole.write(text)
    at = 0
    for size in sizes * (len(text) // sum(sizes) + 1):
        parts.write(memoryview(text)[at : at + size])
        at += size
    whole.finish()
    parts.finish()

    assert in_parts.getvalue() == at_once.getvalue()
    assert parts.blocks == whole.blocks
    assert gzip.decompress(at_once.getvalue() + END) == text
