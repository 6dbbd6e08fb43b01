"""The table files: every allele and transcript of the annotated VCF, and nothing else, whatever the file is like."""

import gzip
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from annotator import consequence
from annotator.alleles import kind_of, shortest
from annotator.errors import Cancelled, EngineError, InputError
from annotator.pipeline import Limits, Outputs, annotate
from annotator.references import Reference
from annotator.sources.fields import Wanted
from annotator.tables import PARQUET, TSV, Tables, TooLarge, blocks, write
from annotator.tables.columns import FLAT, TYPED, defused
from annotator.tables.stats import Stats
from tests.annotator.conftest import COLUMNS, HEADER, Annotate, Result, vcf
from tests.annotator.packs import make_pack
from tests.annotator.sources.genomes import genome, installed, make_genome, other
from tests.annotator.sources.genomes import text as source_text

LETTERS = {"%3A": ":", "%3B": ";", "%3D": "=", "%25": "%", "%2C": ",", "%09": " ", "%0A": " ", "%0D": " "}
MANY = [
    "MT 8528 . TGA CGA,GGA,T,TTT",
    "MT 8527 . A G,C",
    "MT 577 . G A,GTT",
    "MT 4261 . TA TC,CA",
    "MT 3307 . A AGGG,C,*",
    "MT 11778 rs199476112 G A,<DEL> 12.5 PASS",
    "MT 648 . A AC,G,<NON_REF>",
    "MT 100 . G .",
]


def tables(result: Result) -> Tables:
    return write(result.folder / "annot.vcf.gz", result.folder)


def rows(made: Tables) -> list[list[str]]:
    """The flat table, its header first."""
    return [line.split("\t") for line in gzip.decompress(made.tsv.read_bytes()).decode().split("\n")[:-1]]


def unescaped(value: str) -> str:
    out, at = "", 0
    while at < len(value):
        code = value[at : at + 3].upper()
        out, at = (out + LETTERS[code], at + 3) if code in LETTERS else (out + value[at], at + 1)
    return out


def as_cell(value: str) -> str:
    """A text as the flat table has it: nothing that a spreadsheet would run, no control characters."""
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value)
    if value.lstrip()[:1] in tuple("=+-@\"'＝＋－＠") and not number:
        value = "'" + value
    return "".join("?" if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in value)


class Allele:
    """One ALT allele of a line of an annotated file, read without haste."""

    def __init__(self, columns: list[str], number: int, sources: list[str]) -> None:
        self.columns, self.alt = columns, columns[4].split(",")[number]
        self.several = "," in columns[4]
        self.entries: list[str] = []
        self.info: dict[str, str] = {}
        for entry in columns[7].split(";"):
            tag, _, value = entry.partition("=")
            if tag == "BCSQ":
                self.entries = value.split(",")
            elif tag.startswith("GAS_") or tag in sources:
                self.info[tag] = "" if (own := value.split(",")[number]) == "." else own
        if self.several:
            self.entries = [entry for entry in self.entries if self.is_of(entry.split("|")[-1])]

    def is_of(self, written: str) -> bool:
        """Whether csq's change, such as 8529GA>TT, is this allele, which a repeat may have shifted."""
        parts = re.fullmatch(r"(\d+)(\w+)>(\w+)", written)
        if parts is None or kind_of(self.alt) != "sequence":
            return False
        his, mine = (
            shortest(int(parts[1]), parts[2], parts[3]),
            shortest(int(self.columns[1]), self.columns[3], self.alt),
        )
        if mine.ref and mine.alt:
            return his == mine
        return sorted(his.ref) == sorted(mine.ref) and sorted(his.alt) == sorted(mine.alt)

    def text(self, tag: str, joint: str = "&") -> str:
        return unescaped(self.info.get(tag, "").replace("&", joint))

    def prose(self, tag: str) -> str:
        return unescaped(self.info.get(tag, "").replace("_", " ").replace("&", "; "))

    def flat(self, sources: list[str]) -> Iterator[list[str]]:
        place = ["" if value == "." and n > 1 else value for n, value in enumerate([*self.columns[:4], self.alt])]
        place += ["" if value == "." else value for value in self.columns[5:7]]
        place = [cell if n in {1, 5} else as_cell(cell) for n, cell in enumerate(place)]
        severest = self.text("GAS_CSQ")
        proteins = [tuple(one.split(":")) for one in self.info.get("GAS_HGVSP", "").split("&") if one]
        changing = [entry for entry in self.entries if entry.split("|")[5:6] > [""] or "start_lost" in entry]
        in_order = [gene for gene, _ in proteins] == [entry.split("|")[1] for entry in changing]
        for entry in self.entries or [""]:
            _, gene, transcript, biotype, strand, amino_acids, _ = (entry.split("|") + [""] * 7)[:7]
            (found,) = consequence.parse(entry) or (None,)
            term = severest if found is None or len(self.entries) == 1 else found.term
            protein = ""
            if entry in changing:
                of_gene = dict.fromkeys(text for name, text in proteins if name == gene)
                protein = proteins[changing.index(entry)][1] if in_order else "; ".join(of_gene)
            yield [
                *place,
                gene or self.text("GAS_GENE", ", "),
                *(transcript, biotype, strand, term, severest, self.text("GAS_HGVSG")),
                *(self.text("GAS_HGVSC"), self.text("GAS_TRANSCRIPT"), unescaped(protein), amino_acids),
                self.text("GAS_PHASED", "; "),
                *(self.prose("GAS_KNOWN"), self.prose("GAS_KNOWN_SOURCE")),
                *(as_cell(self.text(tag)) for tag in sources),
            ]

    def typed(self, sources: dict[str, str]) -> dict[str, Any]:
        columns, alt, ref = self.columns, self.alt, self.columns[3]
        counts = alt not in {".", "*", "<NON_REF>", "<*>", "<X>", ref}
        type_ = (shortest(1, ref, alt).type if kind_of(alt) == "sequence" else "other") if counts else None
        proteins = "; ".join(dict.fromkeys(unescaped(self.info.get("GAS_HGVSP", "")).split("&")))
        row = {
            "contig": columns[0],
            "pos": int(columns[1]),
            "id": columns[2],
            "ref": ref,
            "alt": alt,
            "type": type_,
            "gene": self.text("GAS_GENE", ", "),
            "consequence": self.text("GAS_CSQ"),
            "hgvs_g": self.text("GAS_HGVSG"),
            "hgvs_c": self.text("GAS_HGVSC"),
            "hgvs_c_flag": self.text("GAS_TRANSCRIPT"),
            "hgvs_p": proteins,
            "phased": self.text("GAS_PHASED", "; "),
            "known": self.prose("GAS_KNOWN"),
            "known_source": self.prose("GAS_KNOWN_SOURCE"),
            "qual": None if columns[5] == "." else float(columns[5]),
            "filter": columns[6],
        }
        for tag, of in sources.items():
            value = self.text(tag)
            row[tag] = {"Float": float, "Integer": int}.get(of, str)(value) if value else None
        return {name: None if value in {"", "."} else value for name, value in row.items()}


def expected(result: Result, sources: dict[str, str]) -> list[Allele]:
    text = gzip.decompress((result.folder / "annot.vcf.gz").read_bytes())
    found = []
    for raw in text.split(b"\n"):
        if raw and not raw.startswith(b"#"):
            try:
                columns = raw.decode().split("\t")
            except UnicodeDecodeError:
                columns = raw.decode("latin-1").split("\t")
            found += [Allele(columns, number, list(sources)) for number in range(columns[4].count(",") + 1)]
    return found


def check(result: Result, sources: dict[str, str] | None = None) -> Tables:
    """Both tables are what the file says, row by row. Of records with several alleles, entries without a change are
    left to a test of their own.
    """
    made, sources = tables(result), sources or {}
    header, *found = rows(made)
    assert header == [*FLAT, *sources]
    alleles = expected(result, sources)
    wanted = [row for allele in alleles for row in allele.flat(list(sources))]
    certain = {(one.columns[1], one.alt) for one in alleles if not one.several}
    assert [row for row in found if (row[1], row[4]) in certain] == [
        row for row in wanted if (row[1], row[4]) in certain
    ]
    changed = FLAT.index("amino_acid_change")
    assert sorted(row for row in found if row[changed]) == sorted(row for row in wanted if row[changed])
    assert {tuple(row[:7]) for row in found} == {tuple(row[:7]) for row in wanted}
    assert len(found) == made.transcripts
    frame = pl.read_parquet(made.parquet)
    assert frame.columns == [*TYPED, *sources]
    assert frame.rows(named=True) == [allele.typed(sources) for allele in alleles]
    assert made.alleles == frame.height
    return made


def test_a_sample(run: Annotate, sample: bytes) -> None:
    made = check(run(sample))
    assert made.alleles == 1200
    assert made.transcripts > 1200  # overlapping genes
    assert made.tsv.read_bytes()[-28:] == bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def test_records_with_several_alleles_and_with_none(run: Annotate) -> None:
    made = check(run(vcf(*MANY)))
    found = {(row[1], row[4]): row for row in rows(made)}
    assert found["11778", "A"][FLAT.index("known")] == "LHON"
    assert found["11778", "<DEL>"][FLAT.index("gene") :][:6] == ["MT-ND4", "", "", "", "", ""]
    assert found["100", ""][7] == "D-loop" or not found["100", ""][7]
    frame = pl.read_parquet(made.parquet).filter(pl.col("pos") == 648)
    assert frame["type"].to_list() == ["insertion", "SNV", None]


def test_each_allele_has_the_transcripts_that_it_has_alone(run: Annotate, rcrs: Reference) -> None:
    """BCSQ of a record with several alleles is one list. The truth is what each allele gets as a record of its own."""
    dice, together, apart = random.Random(7), [], []  # noqa: S311
    for pos in range(600, 16400, 9):
        bases = rcrs.sequence.fetch("MT", pos, pos + 4)
        ref = bases[: dice.choice([1, 1, 1, 2, 3, 4])]
        alts = {
            *dice.sample("ACGT", 2),
            ref + dice.choice(["A", "TG", "CCA"]),
            ref[0],
            ref[0] + dice.choice("ACGT"),
        } - {ref}
        some = dice.sample(sorted(alts), dice.randint(2, len(alts)))
        together.append(f"MT {pos} . {ref} {','.join(some)}")
        apart += [f"MT {pos} . {ref} {alt}" for alt in some]
    ours, truth = rows(tables(run(vcf(*together)))), rows(tables(run(vcf(*apart))))
    assert len(truth) > 4000
    missing, more = {*map(tuple, truth)} - {*map(tuple, ours)}, {*map(tuple, ours)} - {*map(tuple, truth)}
    # An entry without a change may have to go to an allele that it is not about, even one that has none of its own.
    assert len(more) <= len(truth) // 500, sorted(more)[:10]
    assert len(missing) <= len(truth) // 1000, sorted(missing)
    assert not [row for row in missing if row[FLAT.index("biotype")]]


RISKY = {
    "=HYPERLINK(1)": "'=HYPERLINK(1)",
    "+cmd|x": "'+cmd|x",
    "-x": "'-x",
    "@SUM(1)": "'@SUM(1)",
    '"=1': "'\"=1",
    " =1": "' =1",
    "＝1": "'＝1",
    "'": "''",
    "a\x1b[31m": "a?[31m",
    "-1.5": "-1.5",
    "+2e-05": "+2e-05",
    "rs1=1": "rs1=1",
}


def test_a_spreadsheet_runs_no_cell_and_the_parquet_file_has_the_files_own_texts(run: Annotate) -> None:
    ids = [one for one in RISKY if " " not in one]
    bases = "ATGCACGCGATAGC"  # from position 73 on
    records = [f"MT {73 + n} {one} {bases[n]} {other(bases[n])}" for n, one in enumerate(ids)]
    made = check(run(vcf(*records)))
    cells = [row[2] for row in rows(made)[1:]]
    assert cells == [RISKY[one] for one in ids]
    assert pl.read_parquet(made.parquet)["id"].to_list() == ids
    # One apostrophe less gives back what the file has; only control characters are lost.
    assert [cell.removeprefix("'") for cell in cells] == [re.sub("[\\x00-\\x1f]", "?", one) for one in ids]


def test_each_kind_of_cell_is_defused() -> None:
    for value, cell in RISKY.items():
        assert pl.DataFrame({"a": [value]}).select(defused(pl.col("a"))).item() == cell, value


def test_bytes_that_are_no_utf8_and_marks_that_mean_something_to_a_table(tmp_path: Path, rcrs: Reference) -> None:
    header = HEADER.replace("##contig", '##INFO=<ID=NOTE,Number=1,Type=String,Description="n">\n##contig')
    text = vcf('MT 73 é"x A G . . NOTE="é', "MT 263 Ü1 A G", "MT 750 'q A G", "MT 11778 . G A", header=header)
    lines = text.split("\n")
    source = tmp_path / "in.vcf"
    source.write_bytes(b"\n".join(line.encode("latin-1" if "Ü1" in line else "utf-8") for line in lines))
    report = annotate(source, tmp_path, reference=rcrs)
    made = check(Result(report, tmp_path, [], []))
    assert [row[2] for row in rows(made)[1:]] == ['é"x', "Ü1", "''q", ""]
    assert pl.read_parquet(made.parquet)["id"].to_list() == ['é"x', "Ü1", "'q", None]  # as they are


def test_no_records_at_all(run: Annotate) -> None:
    made = check(run(vcf()))
    assert rows(made) == [list(FLAT)]
    assert pl.read_parquet(made.parquet).height == 0
    assert pl.read_parquet_schema(made.parquet)["pos"] == pl.Int64


def test_many_samples(run: Annotate) -> None:
    names = [f"s{number}" for number in range(3000)]
    header = HEADER.replace(COLUMNS, "\t".join([COLUMNS, "FORMAT", *names]))
    header = header.replace("##contig", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##contig')
    lines = [f"MT {pos} . {ref} {alt} . . . GT " + " ".join(["0/1"] * 3000) for pos, ref, alt in
             ((73, "A", "G"), (11778, "G", "A"), (14484, "T", "C"))]  # fmt: skip
    assert check(run(vcf(*lines, header=header))).alleles == 3


def test_tags_of_sources_have_columns_of_their_types(tmp_path: Path, run: Annotate) -> None:
    reference = make_genome(tmp_path)
    base = genome()["1"][99]
    first, second, third = (other(base, step) for step in (1, 2, 3))
    declared = "##fileformat=VCFv4.2\n##contig=<ID=1,length=30000>\n"
    types = {"AF": "Float", "N": "Integer", "WORDS": "String", "Type": "String"}
    for tag, type_ in types.items():
        declared += f'##INFO=<ID={tag},Number=A,Type={type_},Description="of a test">\n'
    values = "AF=0.25,1e-05;N=7,.;WORDS=%3Dlikely%2C_not%3Dcertain,50%25;Type=x,y"
    fields = [Wanted(tag, "gAF" if tag == "AF" else tag) for tag in types]
    content = source_text(declared, [f"1 100 . {base} {first},{second} . . {values}"])
    source = installed(tmp_path, reference, content, *fields)
    own = '##INFO=<ID=OWN,Number=A,Type=Float,Description="",Source="mine",Version="3">\n##contig'
    header = HEADER.replace("MT,length=16569", "1,length=30000").replace("##contig", own)
    records = [f"1 100 . {base} {third},{second},{first} 3.5 PASS OWN=1,2,3", f"1 100 . {base} {first}"]
    result = run(vcf(*records, header=header), reference=reference, sources=[source])
    made = tables(result)
    frame = pl.read_parquet(made.parquet)
    assert frame.columns == [*TYPED, "gAF", "N", "WORDS", "Type_"]  # one column is called type already
    assert [str(frame.schema[name]) for name in ("gAF", "N", "WORDS", "Type_")] == [
        "Float64",
        "Int64",
        "String",
        "String",
    ]
    ours = (0.25, 7, "=likely,_not=certain", "x")
    assert frame.select("gAF", "N", "WORDS", "Type_").rows() == [(None,) * 4, (1e-05, None, "50%", "y"), ours, ours]
    assert frame["alt"].to_list() == [third, second, first, first]
    header_row, *flat = rows(made)
    assert header_row == [*FLAT, "gAF", "N", "WORDS", "Type_"]
    assert [row[-4:] for row in flat] == [[""] * 4, ["1e-05", "", "50%", "y"], *[["0.25", "7", f"'{ours[2]}", "x"]] * 2]
    renamed = run(vcf(*records[1:], header=header), reference=reference, sources=[source])
    assert [allele.typed({"gAF": "Float", "N": "Integer"}) for allele in expected(renamed, types | {"gAF": ""})] == (
        pl.read_parquet(tables(renamed).parquet).drop("WORDS", "Type_").rows(named=True)
    )


def test_two_transcripts_of_a_gene_each_have_their_own_protein(tmp_path: Path, run: Annotate) -> None:
    bases = "TTATGGCTGCTAAAGCTATGAAAGCTGCTTAAGGTT"
    lines = ["gene 3 33 ID=gene:g;Name=G;biotype=protein_coding"]
    for name, start in (("t1", 3), ("t2", 18)):
        lines.append(f"mRNA {start} 33 ID=transcript:{name};Parent=gene:g;biotype=protein_coding")
        lines += [f"{kind} {start} {32} Parent=transcript:{name}" for kind in ("exon", "CDS")]
    genes = ""
    for line in lines:
        kind, start, end, names = line.split(" ")
        genes += f"1\ttest\t{kind}\t{start}\t{end}\t.\t+\t{0 if kind == 'CDS' else '.'}\t{names}\n"
    reference = make_pack(tmp_path, {"1": bases}, genes=genes)
    header = HEADER.replace("MT,length=16569", f"1,length={len(bases)}")
    made = check(run(vcf("1 21 . A G", "1 22 . A G,T", header=header), reference=reference))
    names = ("transcript", "hgvs_p", "amino_acid_change")
    found = {(row[1], row[4], *(row[FLAT.index(name)] for name in names)) for row in rows(made)[1:]}
    assert found == {
        ("21", "G", "t1", "p.Lys7Glu", "7K>7E"),
        ("21", "G", "t2", "p.Lys2Glu", "2K>2E"),
        ("22", "G", "t1", "p.Lys7Arg", "7K>7R"),
        ("22", "G", "t2", "p.Lys2Arg", "2K>2R"),
        ("22", "T", "t1", "p.Lys7Ile", "7K>7I"),
        ("22", "T", "t2", "p.Lys2Ile", "2K>2I"),
    }


def test_a_file_in_many_blocks_is_the_same(run: Annotate, sample: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(sample)
    whole = tables(result)
    before = whole.tsv.read_bytes(), pl.read_parquet(whole.parquet)
    monkeypatch.setattr(blocks, "BLOCK", 10_000)
    monkeypatch.setattr("annotator.tables.files.PIECE", 100)
    monkeypatch.setattr("annotator.tables.files.BYTES_AT_ONCE", 5_000)
    monkeypatch.setattr("annotator.tables.files.ROW_GROUP_BYTES", 5_000)
    again = check(result)
    assert gzip.decompress(again.tsv.read_bytes()) == gzip.decompress(before[0])
    assert pl.read_parquet(again.parquet).equals(before[1])


def test_alleles_of_a_record_that_are_looked_at_apart_have_the_same_rows(
    run: Annotate, rcrs: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many alleles of one record, among them such as differ in the order of what they insert: csq's changes do not tell
    which is which without their numbers.
    """
    dice, lines = random.Random(11), []  # noqa: S311
    for pos in (577, 3307, 3400, 8528, 11778):
        ref = rcrs.sequence.fetch("MT", pos, pos + 1)
        inserted = {"".join(dice.sample("AACCGT", 6)) for _ in range(60)}
        alts = sorted({ref[0] + one for one in inserted} | {ref[0], "C" + ref, "<DEL>", "*"} - {ref})
        lines.append(f"MT {pos} . {ref} {','.join(alts)}")
    result = run(vcf(*lines))
    whole = rows(tables(result))
    assert len(whole) > 200
    monkeypatch.setattr("annotator.tables.alleles.ENTRIES_AT_ONCE", 7)
    assert rows(tables(result)) == whole


def test_the_same_file_gives_the_same_bytes(run: Annotate, sample: bytes) -> None:
    result = run(sample)
    first = [path.read_bytes() for path in (tables(result).tsv, tables(result).parquet)]
    assert first == [(result.folder / name).read_bytes() for name in (TSV, PARQUET)]
    assert sorted(path.name for path in result.folder.iterdir() if path.is_dir()) == []


def test_tables_that_would_be_too_large_are_left_out_and_the_log_says_so(
    run: Annotate, sample: bytes, rcrs: Reference, tmp_path: Path
) -> None:
    result = run(sample)
    size = len(gzip.decompress(tables(result).tsv.read_bytes()))
    before = set(result.folder.iterdir())
    with pytest.raises(TooLarge, match="larger than"):
        write(result.folder / "annot.vcf.gz", tmp_path, output_bytes=size - 1)
    assert write(result.folder / "annot.vcf.gz", result.folder, output_bytes=size).alleles
    assert set(result.folder.iterdir()) == before
    (tmp_path / "in.vcf").write_text(vcf(*["MT 3307 . A C,G,T,AC,AG,AT"] * 400))
    out = tmp_path / "out"
    out.mkdir()
    outputs = Outputs(stats=True, table_records=1000)
    text = len(gzip.decompress(run(tmp_path / "in.vcf").folder.joinpath("annot.vcf.gz").read_bytes()))
    report = annotate(tmp_path / "in.vcf", out, reference=rcrs, outputs=outputs, limits=Limits(output_bytes=text))
    (sentence,) = report.summary["left_out"]
    assert "The tables are left out because they would be larger than" in sentence
    assert sentence in (out / "log.txt").read_text()
    assert sentence in (out / "summary.json").read_text()
    assert {path.name for path in out.iterdir()} == {
        *("annot.vcf.gz", "annot.vcf.gz.tbi", "annot.stats.txt", "log.txt", "summary.json")
    }
    with pytest.raises(InputError, match="would be larger than") as caught:
        annotate(tmp_path / "in.vcf", out, reference=rcrs, outputs=outputs, limits=Limits(output_bytes=text // 2))
    assert caught.value.code == "result-too-large"
    assert [path.name for path in out.iterdir()] == ["log.txt"]


@pytest.mark.parametrize("after", [0, 3])
def test_who_is_told_to_stop_leaves_nothing(
    run: Annotate, sample: bytes, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    result = run(sample)
    monkeypatch.setattr(blocks, "BLOCK", 10_000)
    calls = iter([None] * after)

    def stop() -> None:
        if next(calls, "over") == "over":
            raise Cancelled

    before = set(result.folder.iterdir())
    with pytest.raises(Cancelled):
        write(result.folder / "annot.vcf.gz", result.folder, check=stop)
    assert set(result.folder.iterdir()) == before


def test_polars_is_not_there_before_it_is_asked_for() -> None:
    """Workers fork, and what has threads must not be there when they do."""
    code = "import sys, annotator.tables, annotator.tables.stats, restore.tables; sys.exit('polars' in sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    setup = "import django; django.setup(); "
    subprocess.run([sys.executable, "-c", setup + code], check=True, env=environment, cwd=Path(__file__).parents[2])


def test_a_file_from_before_a_tag_of_ours_has_an_empty_column(run: Annotate, tmp_path: Path, sample: bytes) -> None:
    text = gzip.decompress((run(sample).folder / "annot.vcf.gz").read_bytes()).decode()
    lines = [re.sub(r";GAS_HGVSC=[^;\t]*", "", line) for line in text.split("\n") if "ID=GAS_HGVSC," not in line]
    (tmp_path / "old.vcf.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    frame = pl.read_parquet(write(tmp_path / "old.vcf.gz", tmp_path).parquet)
    assert frame["hgvs_c"].null_count() == frame.height == 1200
    assert frame["hgvs_p"].null_count() < 1200


def test_what_is_no_annotated_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"no header\n"))
    with pytest.raises(EngineError):
        write(tmp_path / "x.gz", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.gz"]


def test_tags_in_another_order_are_found_too(run: Annotate, tmp_path: Path, sample: bytes) -> None:
    result = run(sample)
    made = tables(result)
    before = rows(made), pl.read_parquet(made.parquet)
    lines = gzip.decompress((result.folder / "annot.vcf.gz").read_bytes()).decode().split("\n")
    for number, line in enumerate(lines):
        columns = line.split("\t")
        if len(columns) > 8 and not line.startswith("#"):
            columns[7] = ";".join(reversed(columns[7].split(";")))
            lines[number] = "\t".join(columns)
    (tmp_path / "turned.vcf.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    turned = write(tmp_path / "turned.vcf.gz", tmp_path)
    assert rows(turned) == before[0]
    assert pl.read_parquet(turned.parquet).equals(before[1])


def test_statistics_as_multiqc_reads_them(run: Annotate, sample: bytes) -> None:
    result = run(sample)
    text = {}
    for name in ("", "my sample\t1.vcf"):
        with Stats(result.folder / "annot.vcf.gz", result.folder, name=name) as stats:
            text[name] = stats.finish().read_text()
    first = text[""].split("\n")
    assert first[0].startswith("# This file was produced by bcftools stats (")
    assert "ID\t0\tannot.vcf.gz" in first
    assert "SN\t0\tnumber of records:\t1200" in first
    assert "ID\t0\tmy sample 1.vcf" in text["my sample\t1.vcf"].split("\n")
    assert str(result.folder.parent) not in "".join(text.values())
    assert [line for line in first if line[:2] != "ID"] == [
        line for line in text["my sample\t1.vcf"].split("\n") if line[:2] != "ID"
    ]


def test_statistics_that_are_stopped_leave_nothing(run: Annotate, sample: bytes) -> None:
    def stop() -> None:
        raise Cancelled

    def stopped() -> None:
        with Stats(result.folder / "annot.vcf.gz", result.folder) as stats:
            stop()
            stats.finish()

    result = run(sample)
    before = set(result.folder.iterdir())
    with pytest.raises(Cancelled):
        stopped()
    assert set(result.folder.iterdir()) == before
