"""An export, a page and the count are the same variants; nothing in a table is run by a spreadsheet."""

import csv
import gzip
import io
import subprocess
from pathlib import Path

import polars as pl
import pytest
from django.http import QueryDict

from annotator.effects import csq_field, info_tags
from annotator.tables import write
from gas.explorer import charts, export_formats, exports, query
from gas.explorer.database import Database
from gas.explorer.exports import Request, TooMany
from gas.explorer.filters import State, form_for
from gas.explorer.query import Order
from gas.explorer.spreadsheets import defused
from tests.support import annotated_vcf
from tests.support.explored import Explored, open_parquet
from tests.support.exported import selected, sheet_rows
from tests.support.risky_cells import RISKY

QUERIES = [
    "",
    "impact=HIGH&impact=MODERATE",
    "region=chr1&s1-zygosity=het",
    "gene=MT-ND4&qual-min=20&qual-missing=drop",
    "q=nothing-like-this",
]
COLUMNS = ["row_number", "contig", "pos", "id", "ref", "alt", "qual", "gene", "gnomAD_AF", "s1_gt"]


def request(explored: Explored, state: State, order: str = "", **options: int) -> Request:
    columns = explored.database.columns
    return Request(
        state, columns.chosen(COLUMNS), Order.parse(order, columns), exports.citation("GRCh38", state), **options
    )


@pytest.mark.parametrize("text", QUERIES)
@pytest.mark.parametrize("order", ["", "-qual"])
def test_every_format_has_the_rows_of_the_pages_and_as_many_as_the_count(
    explored: Explored, tmp_path: Path, text: str, order: str
) -> None:
    database, state = explored.database, explored.state(text)
    wanted, cursor = [], ""
    asked = request(explored, state, order)
    while True:
        page = query.page(database, state, asked.columns, order=asked.order, cursor=cursor, size=100)
        wanted += page.rows
        cursor = page.next
        if not cursor:
            break
    assert len(wanted) == query.count(database, state) == query.facets(database, state).total

    lines = b"".join(export_formats.tsv(database, asked)).decode().splitlines()
    assert lines[0].startswith("# Genomics Annotation Service ")
    assert "clinvar 2026-11, gnomad 4.1" in lines[0]
    table = list(csv.DictReader(io.StringIO("\n".join(lines[1:])), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["row_number"] for row in table] == [str(row["row_number"]) for row in wanted]
    assert [row["gene"] for row in table] == [row["gene"] or "" for row in wanted]

    assert export_formats.xlsx(database, asked, tmp_path / "x.xlsx") == len(wanted)
    assert [row[0] for row in sheet_rows(tmp_path / "x.xlsx")[1:]] == [str(row["row_number"]) for row in wanted]

    assert export_formats.parquet(database, asked, tmp_path / "x.parquet") == len(wanted)
    frame = pl.read_parquet(tmp_path / "x.parquet")
    assert frame.rows(named=True) == wanted if wanted else frame.height == 0
    assert frame.columns == [column.name for column in asked.columns]

    assert export_formats.vcf(database, asked, explored.vcf, tmp_path / "x.vcf.gz") == len(wanted)
    assert selected(tmp_path / "x.vcf.gz") == sorted(
        (row["contig"], row["pos"], row["ref"], row["alt"] or ".") for row in wanted
    )


def test_records_of_a_vcf_are_whole_and_indexed(explored: Explored, tmp_path: Path) -> None:
    state, target = explored.state("impact=HIGH"), tmp_path / "x.vcf.gz"
    export_formats.vcf(explored.database, request(explored, state), explored.vcf, target)
    before = {line for line in gzip.decompress(explored.vcf.read_bytes()).decode().splitlines() if line[0] != "#"}
    lines = [line for line in gzip.decompress(target.read_bytes()).decode().splitlines() if line[0] != "#"]
    stripped = {
        "\t".join([*line.split("\t")[:7], line.split("\t")[7].rpartition(";GAS_SELECTED=")[0], *line.split("\t")[8:]])
        for line in lines
    }
    assert stripped <= before
    of_chr7 = [line.split("\t")[:5] for line in lines if line.startswith("chr7\t")]
    there = subprocess.run(["bcftools", "view", "-H", str(target), "chr7"], check=True, capture_output=True, text=True)
    assert [line.split("\t")[:5] for line in there.stdout.splitlines()] == of_chr7 != []
    of_an_export, again = tmp_path / "export.vcf.gz", tmp_path / "again.vcf.gz"
    header = [line for line in gzip.decompress(target.read_bytes()).splitlines(True) if line.startswith(b"#")]
    records = [
        line for line in gzip.decompress(explored.vcf.read_bytes()).splitlines(True) if not line.startswith(b"#")
    ]
    of_an_export.write_bytes(gzip.compress(b"".join(header + records)))
    export_formats.vcf(explored.database, request(explored, explored.state("")), of_an_export, again)
    assert gzip.decompress(again.read_bytes()).count(b"ID=GAS_SELECTED,") == 1
    of_an_export.write_bytes(gzip.compress(b"".join(header + records[:-1])))
    with pytest.raises(ValueError, match="has no record"):  # never an export that lacks some in silence
        export_formats.vcf(explored.database, request(explored, explored.state("")), of_an_export, again)


def test_more_rows_than_allowed_are_refused_and_exactly_as_many_are_not(explored: Explored, tmp_path: Path) -> None:
    state = explored.state("impact=HIGH")
    count = query.count(explored.database, state)
    less, enough = (request(explored, state, most=most) for most in (count - 1, count))
    for export in (export_formats.xlsx, export_formats.parquet):
        with pytest.raises(TooMany, match=f"more than {count - 1:,} rows"):
            export(explored.database, less, tmp_path / "x")
        assert export(explored.database, enough, tmp_path / "y") == count
    with pytest.raises(TooMany):
        export_formats.vcf(explored.database, less, explored.vcf, tmp_path / "x.vcf.gz")
    with pytest.raises(TooMany):
        b"".join(export_formats.tsv(explored.database, less))
    assert len(b"".join(export_formats.tsv(explored.database, enough)).splitlines()) == count + 2


@pytest.mark.parametrize(("text", "cell"), RISKY.items())
def test_a_cell_is_as_harmless_as_in_the_flat_table(text: str, cell: str) -> None:
    assert defused(text) == cell


def test_cells_of_a_table_are_harmless_whatever_their_type() -> None:
    row = ("=1+1", -1.5, "-1.5", "@x\ty", None, ["+cmd", "b"], 7)
    assert export_formats._line(row) == b"'=1+1\t-1.5\t-1.5\t'@x?y\t\t'+cmd, b\t7\n"


def test_a_filter_that_looks_like_a_formula_is_harmless_in_the_citation(explored: Explored) -> None:
    state = explored.state("q=%3Dcmd%7C%0A%0D%09x")
    line = b"".join(export_formats.tsv(explored.database, request(explored, state))).splitlines()[0].decode()
    assert line.startswith("# Genomics")
    assert "\t" not in line


@pytest.mark.parametrize(
    "text", ["", "region=chr1%20chrM", "impact=HIGH&source-gnomAD_AF-max=0.5&source-gnomAD_AF-missing=keep"]
)
def test_each_part_of_a_chart_counts_what_its_filter_finds(explored: Explored, text: str) -> None:
    database, state = explored.database, explored.state(text)
    bars = [
        *charts.lengths(database, state),
        *charts.substitutions(database, state),
        *charts.spectrum(database, state, "gnomAD_AF"),
    ]
    assert sum(bar.count for bar in charts.spectrum(database, state, "gnomAD_AF")) == query.count(database, state)
    assert sum(one.count for one in charts.density(database, state)) == query.count(database, state)
    assert len(bars) > 10
    left = {row["row_number"] for row in _all(explored, state)}
    for bar in bars:
        asked = explored.state("&".join(f"{name}={value.replace('>', '%3E')}" for name, value in bar.parameters))
        found = {row["row_number"] for row in _all(explored, asked)}
        assert len(found & left) == bar.count, bar


def _all(explored: Explored, state: State) -> list[dict[str, object]]:
    rows, cursor = [], ""
    while True:
        page = query.page(explored.database, state, explored.database.columns.chosen(["pos"]), cursor=cursor, size=500)
        rows += page.rows
        cursor = page.next
        if not cursor:
            return rows


def test_a_gene_without_positions_in_its_protein_has_no_lollipop(explored: Explored) -> None:
    assert charts.lollipop(explored.database, explored.state(""), "NOBODY") is None
    assert charts.lollipop(explored.database, explored.state(""), "ALPHA") is None


def protein_change(pos: int, transcript: str, position: str, gene: str = "ALPHA", **fields: str) -> str:
    """Return an entry of CSQ for pos A>G."""
    entry = dict.fromkeys(csq_field.FIELDS, "")
    entry |= {"Allele": "G", "Consequence": "missense_variant", "IMPACT": "MODERATE", "ALLELE_NUM": "1"}
    entry |= {"SYMBOL": gene, "Gene": gene, "Feature": transcript, "Protein_position": position, "STRAND": "1"}
    return "|".join((entry | {"HGVSp": f"P1:p.{pos}", **fields}).values())


def table_of(folder: Path, records: list[tuple[int, str, str]]) -> Database:
    """Return the table of a file of SNVs on chr1: position, CSQ, and the genotypes of its three samples."""
    annotated_vcf.write(folder / "random.vcf.gz", 1, 1)
    made = gzip.decompress((folder / "random.vcf.gz").read_bytes()).splitlines(True)
    header = [line for line in made if line.startswith(b"#")]
    lines = []
    for pos, csq, genotypes in records:
        gene = csq.split("|")[csq_field.FIELDS.index("SYMBOL")]
        info = f"{info_tags.GENE}={gene};CSQ={csq}"
        lines.append("\t".join(["chr1", str(pos), ".", "A", "G", ".", ".", info, "GT", *genotypes.split()]) + "\n")
    (folder / "annot.vcf.gz").write_bytes(gzip.compress(b"".join(header) + "".join(lines).encode()))
    return open_parquet(write(folder / "annot.vcf.gz", folder).parquet)


def state_of(database: Database, text: str) -> State:
    form = form_for(database.columns, QueryDict(text))
    assert form.is_valid(), form.errors
    return form.state()


def test_the_lollipop_has_each_change_of_the_gene_on_its_main_transcript(tmp_path: Path) -> None:
    main, other = {"MANE": "MANE_Select"}, {"Consequence": "stop_gained&missense_variant"}
    database = table_of(
        tmp_path,
        [
            (100, f"{protein_change(100, 'T1', '7', **main)},{protein_change(100, 'T2', '9')}", "0/0 0/1 0/0"),
            (110, protein_change(110, "T2", "12"), "0/1 0/1 0/1"),  # on another transcript
            (120, protein_change(120, "T1", "10-11", **main, **other), "1/1 0/1 0/0"),
            (130, protein_change(130, "T1", "", **main), "0/1 0/1 0/1"),  # touches no amino acid
            (140, protein_change(140, "T3", "3", "BETA"), "0/1 0/0 0/0"),
        ],
    )
    found = charts.lollipop(database, state_of(database, ""), "ALPHA")
    assert found is not None
    assert (found.gene, found.transcript) == ("ALPHA", "T1")
    shown = [(one.position, one.hgvs_p, one.consequence, one.key[1], one.carriers) for one in found.changes]
    assert shown == [(10, "p.120", "stop_gained", 120, 2), (7, "p.100", "missense_variant", 100, 1)]
    narrowed = charts.lollipop(database, state_of(database, "region=chr1:90-105"), "ALPHA")
    assert narrowed is not None
    assert [one.position for one in narrowed.changes] == [7]
    database.close()
