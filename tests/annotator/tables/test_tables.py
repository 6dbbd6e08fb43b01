"""The table files: every allele and transcript of the annotated VCF, and nothing else, whatever the file is like."""

import gzip
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from annotator.effects import csq_field, info_tags
from annotator.effects.allele import kind_of, shortest
from annotator.effects.terms import IMPACT
from annotator.errors import Cancelled, EngineError, InputError
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Limits, Outputs
from annotator.sources.fields import Wanted
from annotator.sources.findings import classify
from annotator.tables import PARQUET, TSV, Tables, TooLarge, blocks, write
from annotator.tables.columns import FLAT, defused
from annotator.tables.schema import COLUMNS as COLUMNS_OF_ALL
from annotator.tables.schema import GENES_KEY, METADATA_KEY, MOST_SAMPLES, TRANSCRIPT_FIELDS, Metadata, columns_of
from annotator.tables.stats import Stats
from tests.annotator.packs import make_pack
from tests.annotator.sources.genomes import genome, installed, make_genome, other
from tests.annotator.sources.genomes import text as source_text
from tests.support.risky_cells import RISKY
from tests.support.small_vcfs import COLUMNS, HEADER, Annotate, Result, vcf

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


def unescaped_field(value: str) -> str:
    """Undo the escapes of a field of CSQ."""
    return re.sub("%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)


def as_cell(value: str) -> str:
    """A text as the flat table has it: nothing that a spreadsheet would run, no control characters."""
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value)
    if value.lstrip()[:1] in tuple("=+-@\"'＝＋－＠") and not number:
        value = "'" + value
    return "".join("?" if ord(letter) < 32 or 127 <= ord(letter) < 160 else letter for letter in value)


class Allele:
    """One ALT allele of a line of an annotated file, read without haste."""

    def __init__(self, columns: list[str], number: int, sources: list[str], record: int = 0) -> None:
        self.columns, self.alt = columns, columns[4].split(",")[number]
        self.number, self.record = number + 1, record
        self.entries: list[dict[str, str]] = []
        self.info: dict[str, str] = {}
        for part in columns[7].split(";"):
            tag, _, value = part.partition("=")
            if tag == "CSQ":
                entries = [dict(zip(csq_field.FIELDS, one.split("|"), strict=True)) for one in value.split(",")]
                self.entries = [entry for entry in entries if entry["ALLELE_NUM"] == str(number + 1)]
            elif tag.startswith("GAS_") or tag in sources:
                self.info[tag] = "" if (own := value.split(",")[number]) == "." else own

    def text(self, tag: str, joint: str = "&") -> str:
        return unescaped(self.info.get(tag, "").replace("&", joint))

    def prose(self, tag: str) -> str:
        return unescaped(self.info.get(tag, "").replace("_", " ").replace("&", "; "))

    def flat(self, sources: list[str]) -> Iterator[list[str]]:
        place = ["" if value == "." and n > 1 else value for n, value in enumerate([*self.columns[:4], self.alt])]
        place += ["" if value == "." else value for value in self.columns[5:7]]
        place = [cell if n in {1, 5} else as_cell(cell) for n, cell in enumerate(place)]
        for raw in self.entries or [dict.fromkeys(csq_field.FIELDS, "")]:
            entry = {name: unescaped_field(value) for name, value in raw.items()}
            touches = bool(entry["Feature"])
            flag = entry["MANE"].split("&")[0] or ("Ensembl_canonical" if entry["CANONICAL"] else "")
            row = {
                "gene": entry["SYMBOL"] if touches else self.text("GAS_GENE", ", "),
                "gene_id": entry["Gene"] if touches else "",
                "transcript": entry["Feature"],
                "picked": entry["PICK"],
                "mane": entry["MANE"],
                "biotype": entry["BIOTYPE"],
                "strand": {"1": "+", "-1": "-"}[entry["STRAND"]] if touches else "",
                "consequence": raw["Consequence"].split("&")[0] or self.text("GAS_CSQ"),
                "impact": entry["IMPACT"],
                "terms": raw["Consequence"],
                "most_severe": self.text("GAS_CSQ"),
                "hgvs_g": self.text("GAS_HGVSG"),
                "hgvs_c": entry["HGVSc"] if touches else self.text("GAS_HGVSC"),
                "hgvs_c_flag": flag if touches else self.text("GAS_TRANSCRIPT"),
                "hgvs_p": entry["HGVSp"].rpartition(":")[2],
                "exon": entry["EXON"],
                "intron": entry["INTRON"],
                "codons": entry["Codons"],
                "amino_acids": entry["Amino_acids"],
                "cdna_position": entry["cDNA_position"],
                "cds_position": entry["CDS_position"],
                "protein_position": entry["Protein_position"],
                "nearest_gene": "" if touches else entry["SYMBOL"],
                "distance": entry["DISTANCE"],
                "phased": self.text("GAS_PHASED", "; "),
                "known": self.prose("GAS_KNOWN"),
                "known_source": self.prose("GAS_KNOWN_SOURCE"),
            }
            defused = ("gene", "gene_id", "transcript", "biotype", "hgvs_c", "nearest_gene")
            cells = [as_cell(value) if name in defused else value for name, value in row.items()]
            yield [*place, *cells, *(as_cell(self.text(tag)) for tag in sources)]

    def typed(self, sources: dict[str, str]) -> dict[str, Any]:
        columns, alt, ref = self.columns, self.alt, self.columns[3]
        counts = alt not in {".", "*", "<NON_REF>", "<*>", "<X>", ref}
        type_ = (shortest(1, ref, alt).type if kind_of(alt) == "sequence" else "other") if counts else None
        proteins = "; ".join(dict.fromkeys(unescaped(self.info.get("GAS_HGVSP", "")).split("&")))
        touched = [entry for entry in self.entries if entry["Feature"]]
        (picked,) = [entry for entry in touched if entry["PICK"]] or [dict.fromkeys(csq_field.FIELDS, "")]
        impacts = [entry["IMPACT"] for entry in touched]
        row = {
            "contig": columns[0],
            "pos": int(columns[1]),
            "id": columns[2],
            "ref": ref,
            "alt": alt,
            "type": type_,
            "gene": self.text("GAS_GENE", ", "),
            "consequence": self.text("GAS_CSQ"),
            "impact": IMPACT.get(self.text("GAS_CSQ"), ""),
            "hgvs_g": self.text("GAS_HGVSG"),
            "hgvs_c": self.text("GAS_HGVSC"),
            "hgvs_c_flag": self.text("GAS_TRANSCRIPT"),
            "hgvs_p": proteins,
            "transcript": unescaped_field(picked["Feature"]),
            "gene_id": unescaped_field(picked["Gene"]),
            "biotype": unescaped_field(picked["BIOTYPE"]),
            "exon": picked["EXON"],
            "intron": picked["INTRON"],
            "codons": picked["Codons"],
            "amino_acids": picked["Amino_acids"],
            "protein_position": picked["Protein_position"],
            "transcripts": len(touched),
            "transcripts_coding": sum(entry["CDS_position"] != "" for entry in touched),
            **{f"n_{impact.lower()}": impacts.count(impact) for impact in ("HIGH", "MODERATE", "LOW", "MODIFIER")},
            "phased": self.text("GAS_PHASED", "; "),
            "known": self.prose("GAS_KNOWN"),
            "known_source": self.prose("GAS_KNOWN_SOURCE"),
            "qual": None if columns[5] == "." else float(columns[5]),
            "filter": columns[6],
            "end": self.end(),
            "row_number": None,  # see `check`
            "record": self.record,
            "allele_number": 0 if alt == "." else self.number,
            "genes": unescaped(self.info.get("GAS_GENE", "")).split("&") if self.info.get("GAS_GENE") else None,
        }
        terms = list(dict.fromkeys(term for entry in self.entries for term in entry["Consequence"].split("&")))
        row |= {"terms": terms or None, "term_bits": sum(1 << list(IMPACT).index(term) for term in terms)}
        row["significance"] = str(classify(self.text("CLNSIG"))) if "CLNSIG" in sources and self.text("CLNSIG") else ""
        people = [self.sample(columns[8], cell) for cell in columns[9:]]
        kinds = [one["zygosity"] for one in people]
        row |= {"samples_het": kinds.count("het"), "samples_hom": kinds.count("hom")}
        row["samples_called"] = len(kinds) - kinds.count(None)
        for tag, of in sources.items():
            value = self.text(tag)
            row[tag] = {"Float": float, "Integer": int}.get(of, str)(value) if value else None
        for number, one in enumerate(people if len(people) <= MOST_SAMPLES else (), 1):
            row |= {f"s{number}_{name}": value for name, value in one.items()}
        fields = [
            {own: unescaped_field(entry[name]) or None for own, name, _ in TRANSCRIPT_FIELDS} for entry in self.entries
        ]
        row["csq"] = fields or None
        return {name: None if value in ("", ".") else value for name, value in row.items()}

    def end(self) -> int:
        declared = [part[4:] for part in self.columns[7].split(";") if part.startswith("END=")]
        if declared and "<" in self.columns[4]:
            return int(declared[0])
        return int(self.columns[1]) + len(self.columns[3]) - 1

    def sample(self, format_: str, cell: str) -> dict[str, Any]:
        """A sample's columns, read from its cell."""
        found = dict(zip(format_.split(":"), cell.split(":"), strict=False))
        found = {tag: value for tag, value in found.items() if value not in {".", ""}}
        alleles = re.split("[/|]", found.get("GT", ".").lstrip("/|"))
        copies, others = alleles.count(str(self.number)), [one for one in alleles if one != str(self.number)]
        is_called = all(one.isdigit() for one in alleles)
        zygosity = ("het" if others else "hom") if copies else ("absent" if is_called else None)
        depths = [int(one) if one.isdigit() else None for one in found["AD"].split(",")] if "AD" in found else []
        own = depths[self.number] if self.number < len(depths) else None
        total = sum(one or 0 for one in depths)
        balance = own / total if own is not None and total else None
        shares = [share for tag in ("HF", "AF") if (share := self._share(found.get(tag, ""))) is not None]
        is_mitochondrial = self.info.get("GAS_HGVSG", "").startswith("m.")
        return {
            "gt": found.get("GT"),
            "zygosity": zygosity if self.alt != "." else None,
            "dp": int(found["DP"]) if "DP" in found else None,
            "gq": round(float(found["GQ"])) if re.match(r"\d", found.get("GQ", "")) else None,
            "ad_ref": depths[0] if depths else None,
            "ad_alt": own,
            "ab": balance,
            "hf": next(iter(shares), balance) if is_mitochondrial else None,
        }

    def _share(self, values: str) -> float | None:
        one = values.split(",")[self.number - 1 : self.number]
        return float(one[0]) if one and one[0] not in {"", "."} else None


def expected(result: Result, sources: dict[str, str]) -> list[Allele]:
    text = gzip.decompress((result.folder / "annot.vcf.gz").read_bytes())
    found = []
    lines = [raw for raw in text.split(b"\n") if raw and not raw.startswith(b"#")]
    for record, raw in enumerate(lines):
        try:
            columns = raw.decode().split("\t")
        except UnicodeDecodeError:
            columns = raw.decode("latin-1").split("\t")
        found += [Allele(columns, number, list(sources), record) for number in range(columns[4].count(",") + 1)]
    return found


def check(result: Result, sources: dict[str, str] | None = None) -> Tables:
    """Both tables are what the file says, row by row."""
    made, sources = tables(result), sources or {}
    header, *found = rows(made)
    assert header == [*FLAT, *sources]
    alleles = expected(result, sources)
    wanted = [row for allele in alleles for row in allele.flat(list(sources))]
    assert found == wanted
    assert len(found) == made.transcripts
    frame = pl.read_parquet(made.parquet)
    metadata = Metadata.from_json(pl.read_parquet_metadata(made.parquet)[METADATA_KEY])
    assert frame.columns == [column.name for column in columns_of(metadata)]
    assert [one.name for one in metadata.sources] == list(sources)
    wanted_rows = [{**allele.typed(sources), "row_number": place} for place, allele in enumerate(alleles)]
    assert frame.rows(named=True) == wanted_rows
    places: dict[str, list[int]] = {}
    for row in wanted_rows:
        for name in row["genes"] or ():
            places.setdefault(name, []).append(row["row_number"])
    genes = json.loads(pl.read_parquet_metadata(made.parquet)[GENES_KEY])
    assert genes == {name: [min(rows), max(rows)] for name, rows in places.items()}
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
    assert found["11778", "<DEL>"][FLAT.index("transcript")] == "MT-ND4"
    assert found["11778", "<DEL>"][FLAT.index("consequence")] == "frameshift_variant"
    assert found["100", ""][7] == "D-loop" or not found["100", ""][7]
    frame = pl.read_parquet(made.parquet).filter(pl.col("pos") == 648)
    assert frame["type"].to_list() == ["insertion", "SNV", None]


def test_alleles_of_a_ref_with_n_have_the_types_of_the_summary(run: Annotate) -> None:
    """The reference has N at 3107 and known bases elsewhere, so that nobody knows what the others change."""
    result = run(vcf("MT 263 . N G", "MT 750 . NN N", "MT 1000 . NN NNG", "MT 3106 . CN C", "MT 3107 . N C,T"))
    frame = pl.read_parquet(tables(result).parquet)
    assert frame["type"].to_list() == ["other", "other", "other", "deletion", "SNV", "SNV"]
    summary = result.report.summary
    assert {name: count for name, count in summary["variant_types"].items() if count} == {
        "other": 3,
        "deletion": 1,
        "SNV": 2,
    }
    assert summary["titv"] == {"transitions": 0, "transversions": 0, "ratio": None}


def test_each_allele_has_the_transcripts_that_it_has_alone(run: Annotate, rcrs: Reference) -> None:
    """CSQ of a record with several alleles is one list. The truth is what each allele gets as a record of its own."""
    dice, together, apart = random.Random(7), [], []  # noqa: S311
    for pos in range(600, 16400, 20):
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
    ours, truth = check(run(vcf(*together))), check(run(vcf(*apart)))
    assert rows(ours) == rows(truth)
    assert len(rows(truth)) > 1800
    numbers = ("record", "allele_number")
    assert pl.read_parquet(ours.parquet).drop(numbers).equals(pl.read_parquet(truth.parquet).drop(numbers))


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


GENOTYPES = (
    *("0/0", "0/1", "1/1", "0|1", "1|0", "./.", ".", "./1", "1", "0", "2", "1/2", "2/2", "0/2", "/1", "|0|1"),
    *("0/0/1", "1/1/1", "0/10", "10/1", "10", "12/1", "", "x", "0/", "1/1/.", "0/./0"),
)


@pytest.mark.parametrize(("samples", "records"), [(1, 40), (5, 40), (50, 6), (51, 40)])
def test_genotypes_of_every_shape_have_their_columns_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: int, records: int
) -> None:
    """Of up to 50 samples each has its columns; of more there are counts. Both are what a plain reader counts."""
    dice, lines = random.Random(samples), []  # noqa: S311
    formats = ("GT", "GT:AD:DP:GQ", "GT:GQ:DP", "DP:GT:AD", "AD:DP", "GT:HF:AF", "GT:AF")
    for pos in range(100, 100 + records):
        alts = dice.sample(
            ["A", "C", "T", "GA", "GC", "GT", "GG", "GAA", "GCC", "GTT", "GAC", "GAT"], dice.choice((1, 1, 2, 12))
        )
        if dice.random() < 0.1:
            alts = ["."]
        format_ = dice.choice(formats)
        cells = []
        for _ in range(samples):
            values = {
                "GT": dice.choice(GENOTYPES if format_ != "GT" else GENOTYPES[:-3]),
                "AD": ",".join(dice.choice((".", "0", "7", "31")) for _ in range(len(alts) + 1)),
                "DP": dice.choice((".", "0", "44")),
                "GQ": dice.choice((".", "99", "12.6", "x")),
                "HF": ",".join(dice.choice((".", "0.5", "1")) for _ in alts),
                "AF": ",".join(dice.choice((".", "0.25", "1e-3")) for _ in alts),
            }
            cell = ":".join(values[tag] for tag in format_.split(":"))
            cells.append(cell.partition(":")[0] if dice.random() < 0.1 else cell)
        genomic = ",".join(f"{dice.choice('mg')}.{pos}G>{alt}" for alt in alts)
        lines.append(
            "\t".join(["1", str(pos), ".", "G", ",".join(alts), ".", ".", f"GAS_HGVSG={genomic}", format_, *cells])
        )
    names = "\t".join(f"sample {number}" for number in range(samples))
    header = "##fileformat=VCFv4.2\n" + "\n".join(info_tags.definitions())
    text = f"{header}\n{COLUMNS}\tFORMAT\t{names}\n" + "\n".join(lines) + "\n"
    (tmp_path / "annot.vcf.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(blocks, "BLOCK", 10_000)
    made = write(tmp_path / "annot.vcf.gz", tmp_path)
    frame = pl.read_parquet(made.parquet)
    wanted = []
    for record, line in enumerate(lines):
        columns = line.split("\t")
        wanted += [Allele(columns, number, [], record) for number in range(columns[4].count(",") + 1)]
    assert frame.height == len(wanted)
    of_samples = [name for name in frame.columns if re.match(r"s\d+_|samples_|record$|allele_number$", name)]
    assert len(of_samples) == 5 + 8 * samples * (samples <= MOST_SAMPLES)
    rows_of_table = frame.select(of_samples).rows(named=True)
    assert rows_of_table == [{name: one.typed({})[name] for name in of_samples} for one in wanted]


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
    own = frame.columns[len(COLUMNS_OF_ALL) : -1]
    assert own == ["gAF", "N", "WORDS", "Type_"]  # one column is called type already
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
    (allele,) = expected(renamed, types | {"gAF": ""})
    assert [allele.typed({"gAF": "Float", "N": "Integer"}) | {"row_number": 0}] == (
        pl.read_parquet(tables(renamed).parquet).drop("WORDS", "Type_").rows(named=True)
    )


def test_a_sources_tag_may_have_the_name_of_any_column(tmp_path: Path, run: Annotate) -> None:
    reference = make_genome(tmp_path)
    base = genome()["1"][99]
    names = ["row", "allele", "id", "ref", "place", "entries", "info", "transcript"]
    declared = "##fileformat=VCFv4.2\n##contig=<ID=1,length=30000>\n"
    declared += "".join(f'##INFO=<ID={name},Number=A,Type=String,Description="of a test">\n' for name in names)
    values = ";".join(f"{name}={name}-1,{name}-2" for name in names)
    content = source_text(declared, [f"1 100 . {base} {other(base, 1)},{other(base, 2)} . . {values}"])
    source = installed(tmp_path, reference, content, *(Wanted(name, name) for name in names))
    header = HEADER.replace("MT,length=16569", "1,length=30000")
    record = f"1 100 . {base} {other(base, 2)},{other(base, 1)}"
    made = tables(run(vcf(record, header=header), reference=reference, sources=[source]))
    columns = ["row", "allele", "id_", "ref_", "place", "entries", "info", "transcript_"]
    frame = pl.read_parquet(made.parquet).select(columns)
    assert frame.rows() == [tuple(f"{name}-2" for name in names), tuple(f"{name}-1" for name in names)]


def test_two_transcripts_of_a_gene_each_have_their_own_row(tmp_path: Path, run: Annotate) -> None:
    """Names that mean something to a spreadsheet or to INFO are the gene models' own in the Parquet file."""
    bases = "TTATGGCTGCTAAAGCTATGAAAGCTGCTTAAGGTT"
    genes = ["gene 3 33 ID=gene:ID%3B1;Name=%3DG%261;biotype=protein_coding"]
    for name, start, kind, tag in (
        ("t1%2Ca", 3, "mRNA", ""),
        ("t2", 18, "mRNA", ";tag=Ensembl_canonical,MANE_Select"),
        ("t3", 1, "lnc_RNA", ";tag=Ensembl_canonical"),
    ):
        biotype, end = ("lncRNA", 36) if kind == "lnc_RNA" else ("protein_coding", 33)
        genes.append(f"{kind} {start} {end} ID=transcript:{name};Parent=gene:ID%3B1;biotype={biotype}{tag}")
        genes.append(f"exon {start} {end} Parent=transcript:{name}")
        genes += [f"CDS {start} 32 Parent=transcript:{name}"] if kind == "mRNA" else []
    text = ""
    for kind, start, end, names in (line.split(" ") for line in genes):
        text += f"1\ttest\t{kind}\t{start}\t{end}\t.\t+\t{0 if kind == 'CDS' else '.'}\t{names}\n"
    reference = make_pack(tmp_path, {"1": bases}, genes=text)
    header = HEADER.replace("MT,length=16569", f"1,length={len(bases)}")
    flags = "MANE_Select", "Ensembl_canonical"
    result = run(vcf("1 21 . A G", "1 22 . A G,T", "1 35 . T G", header=header), reference=reference)
    made = check(result)
    names = ("POS", "ALT", "transcript", "hgvs_c", "hgvs_c_flag", "hgvs_p", "codons", "picked")
    found = [tuple(row[FLAT.index(name)] for name in names) for row in rows(made)[1:]]
    assert found == [
        ("21", "G", "t3", "t3:n.21A>G", flags[1], "", "", ""),
        ("21", "G", "t1,a", "t1,a:c.19A>G", "", "p.Lys7Glu", "Aaa/Gaa", ""),
        ("21", "G", "t2", "t2:c.4A>G", flags[0], "p.Lys2Glu", "Aaa/Gaa", "1"),
        ("22", "G", "t3", "t3:n.22A>G", flags[1], "", "", ""),
        ("22", "G", "t1,a", "t1,a:c.20A>G", "", "p.Lys7Arg", "aAa/aGa", ""),
        ("22", "G", "t2", "t2:c.5A>G", flags[0], "p.Lys2Arg", "aAa/aGa", "1"),
        ("22", "T", "t3", "t3:n.22A>T", flags[1], "", "", ""),
        ("22", "T", "t1,a", "t1,a:c.20A>T", "", "p.Lys7Ile", "aAa/aTa", ""),
        ("22", "T", "t2", "t2:c.5A>T", flags[0], "p.Lys2Ile", "aAa/aTa", "1"),
        ("35", "G", "t3", "t3:n.35T>G", flags[1], "", "", "1"),
    ]
    assert {row[FLAT.index("gene")] for row in rows(made)[1:]} == {"'=G&1"}
    frame = pl.read_parquet(made.parquet)
    columns = ("transcript", "gene_id", "transcripts", "transcripts_coding", "n_moderate", "n_modifier")
    assert frame.select(columns).rows() == [*[("t2", "ID;1", 3, 2, 2, 1)] * 3, ("t3", "ID;1", 1, 0, 0, 1)]


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
    dice, lines = random.Random(11), []  # noqa: S311
    for pos in (577, 3307, 8528, 11778):
        ref = rcrs.sequence.fetch("MT", pos, pos + 1)
        inserted = {"".join(dice.sample("AACCGT", 6)) for _ in range(30)}
        alts = sorted({ref[0] + one for one in inserted} | {ref[0], "C" + ref, "<DEL>", "*"} - {ref})
        lines.append(f"MT {pos} . {ref} {','.join(alts)}")
    result = run(vcf(*lines))
    whole = tables(result)
    before = rows(whole), pl.read_parquet(whole.parquet)
    assert len(before[0]) > 100
    monkeypatch.setattr("annotator.tables.alleles.ENTRIES_AT_ONCE", 7)
    again = check(result)
    assert rows(again) == before[0]
    assert pl.read_parquet(again.parquet).equals(before[1])


def test_entries_of_many_alleles_and_transcripts_take_time_and_memory_by_their_number(tmp_path: Path) -> None:
    """3,000 alleles with 20 transcripts each: eight times as much as 375, and not 64 times."""
    took = {}
    for count in (375, 3000):
        alts = ["A" + "".join("ACGT"[number >> shift & 3] for shift in range(0, 12, 2)) for number in range(count)]
        entries = [
            f"{alt[1:]}|intron_variant|MODIFIER|G|I|Transcript|T{number}|protein_coding|||||||||||||||||{place}"
            for place, alt in enumerate(alts, 1)
            for number in range(20)
        ]
        path = tmp_path / f"{count}.vcf.gz"
        header = f"##fileformat=VCFv4.2\n{csq_field.DEFINITION}\n{COLUMNS}\n"
        path.write_bytes(
            gzip.compress(f"{header}1\t9\t.\tA\t{','.join(alts)}\t.\t.\tCSQ={','.join(entries)}\n".encode())
        )
        before = time.thread_time() + time.process_time()
        made = write(path, tmp_path)
        took[count] = time.thread_time() + time.process_time() - before
        assert (made.alleles, made.transcripts) == (count, 20 * count)
        assert pl.read_parquet(made.parquet)["transcripts"].unique().to_list() == [20]
    assert took[3000] < 24 * max(took[375], 0.05)


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
    (tmp_path / "in.vcf").write_text(vcf(*[f"MT 3307 {'x' * 300} A C,G,T,AC,AG,AT"] * 400))
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
    subprocess.run([sys.executable, "-c", setup + code], check=True, env=environment, cwd=Path(__file__).parents[3])


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
