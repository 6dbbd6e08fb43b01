"""Changes of one molecule are described together: as the same change is that is written as one record."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product

import polars as pl
import pytest

from annotator import tables
from annotator.effects.hgvs_genomic import THREE_LETTERS
from annotator.preflight import reader
from annotator.preflight.record import Record
from annotator.run import record_piece, splitter, stream
from annotator.run.columnar import plain
from tests.support.generated_runs import Annotate, Annotated
from tests.support.genome import COMPLEMENT, Gene, Genome

Change = tuple[str, int, str, str]  # contig, position, REF, ALT
HEADER = '##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
STANDARD = dict(zip(map("".join, product("TCAG", repeat=3)), AMINO_ACIDS, strict=True))


@dataclass
class Pair:
    """Two changes near each other, and what they make as one."""

    changes: list[Change]
    together: Change
    protein: str = ""


def vcf(rows: Sequence[tuple[Change, Sequence[str]]]) -> bytes:
    """Changes with the calls of samples, in any order."""
    order = {"1": 0, "2": 1, "MT": 2}
    lines = []
    for (contig, pos, ref, alt), calls in sorted(rows, key=lambda row: (order[row[0][0]], row[0][1])):
        columns = [contig, str(pos), ".", ref, alt, ".", "PASS", "."]
        lines.append("\t".join([*columns, *(["GT", *calls] if calls else [])]))
    samples = [f"s{number}" for number in range(len(rows[0][1]))]
    columns_line = "\t".join([COLUMNS, *(["FORMAT", *samples] if samples else [])])
    return (HEADER + columns_line + "\n" + "\n".join(lines) + "\n").encode()


def said(result: Annotated) -> dict[Change, dict[str, str]]:
    """INFO of each record."""
    return {
        (contig, int(pos), ref, alt): dict(entry.partition("=")[::2] for entry in info.split(";"))
        for contig, pos, _, ref, alt, _, _, info, *_ in result.records
    }


def coding(genome: Genome) -> Iterator[Gene]:
    return (gene for gene in genome.genes.values() if gene.codons and gene.contig != "MT")


def in_codons(genome: Genome, dice: random.Random) -> Iterator[Pair]:
    """Two or three bases of codons that no intron parts, in every fourth codon or so."""
    for gene in coding(genome):
        for number in range(1, len(gene.codons) - 1, 4):
            places = gene.places[3 * number : 3 * number + 3]
            if abs(places[2] - places[0]) != 2:
                continue
            chosen = sorted(dice.sample(range(3), dice.choice([2, 2, 3])))
            old = gene.codons[number]
            new = [
                dice.choice([base for base in "ACGT" if base != old[at]]) if at in chosen else old[at]
                for at in range(3)
            ]
            changes = sorted((gene.contig, places[at], forward(gene, old[at]), forward(gene, new[at])) for at in chosen)
            yield Pair(changes, as_one(genome, changes), described(gene, number, old, "".join(new)))


def forward(gene: Gene, base: str) -> str:
    return base.translate(COMPLEMENT) if gene.strand == "-" else base


def as_one(genome: Genome, changes: Sequence[Change]) -> Change:
    """All bases from the first to the last, as one record would have them."""
    contig, start, _, _ = changes[0]
    end = changes[-1][1] + len(changes[-1][2]) - 1
    ref = genome.sequences[contig][start - 1 : end]
    alt = ref
    for _, pos, old, new in reversed(changes):
        at = pos - start
        assert alt[at : at + len(old)] == old
        alt = alt[:at] + new + alt[at + len(old) :]
    return contig, start, ref, alt


def described(gene: Gene, number: int, old: str, new: str) -> str:
    one, other = (THREE_LETTERS[STANDARD[codon]] for codon in (old, new))
    change = f"{one}{number + 1}{other if one != other else '%3D'}"
    return f"{gene.name}:p.{change}"


def restoring(genome: Genome, dice: random.Random) -> Iterator[Pair]:
    """Delete a base and insert one up to 25 bases later, or the reverse, in turns."""
    for gene in coding(genome):
        bases = genome.sequences[gene.contig]
        inside = set(gene.places)
        for number, start in zip(count(), range(min(inside) + 10, max(inside) - 60, 120), strict=False):
            end = start + dice.randint(8, 25)
            if not inside.issuperset(range(start - 6, end + 6)):
                continue
            lost, gained = (start, end) if number % 2 else (end, start)
            # One that no repeat lets shift.
            base = dice.choice([base for base in "ACGT" if base not in bases[gained - 1 : gained + 1]])
            deletion = gene.contig, lost, bases[lost - 1 : lost + 1], bases[lost - 1]
            insertion = gene.contig, gained, bases[gained - 1], bases[gained - 1] + base
            changes = sorted([deletion, insertion])
            yield Pair(changes, as_one(genome, changes))


def test_changes_of_one_codon_make_the_amino_acid_of_the_codon(run: Annotate, genome: Genome) -> None:
    pairs = list(in_codons(genome, random.Random(5)))  # noqa: S311 - nothing secret
    assert len(pairs) > 100
    found = said(run(vcf([(change, ["0|1"]) for pair in pairs for change in pair.changes])))
    as_one_record = said(run(vcf([(pair.together, ["0|1"]) for pair in pairs])))
    differ = 0
    for pair in pairs:
        expected = as_one_record[pair.together]
        whole = f"{expected['GAS_CSQ']}|{expected['GAS_HGVSP']}|{expected['GAS_HGVSG']}|1"
        assert {found[change]["GAS_PHASED"] for change in pair.changes} == {whole}
        assert "GAS_PHASED" not in expected
        if "Ter" not in pair.protein:
            assert expected["GAS_HGVSP"] == pair.protein
        differ += all(found[change].get("GAS_HGVSP") != expected["GAS_HGVSP"] for change in pair.changes)
    assert differ > 0.5 * len(pairs)  # each alone is told another amino acid


def test_indels_that_restore_the_frame(run: Annotate, genome: Genome) -> None:
    pairs = list(restoring(genome, random.Random(6)))  # noqa: S311 - nothing secret
    assert len(pairs) >= 10
    found = said(run(vcf([(change, ["1|0"]) for pair in pairs for change in pair.changes])))
    as_one_record = said(run(vcf([(pair.together, ["1|0"]) for pair in pairs])))
    restored = 0
    for pair in pairs:
        expected = as_one_record[pair.together]
        whole = f"{expected['GAS_CSQ']}|{expected['GAS_HGVSP']}|{expected['GAS_HGVSG']}|1"
        for change in pair.changes:
            assert found[change]["GAS_CSQ"] == "frameshift_variant"
            assert found[change]["GAS_PHASED"] == whole
        restored += expected["GAS_CSQ"] != "frameshift_variant"
    assert restored == len(pairs)


def over_introns(genome: Genome) -> Iterator[Pair]:
    """Two bases of each codon that an intron splits, one on each side; of neighboring codons, the first."""
    for gene in coding(genome):
        last_number = -2
        for number in range(1, len(gene.codons) - 1):
            places = gene.places[3 * number : 3 * number + 3]
            if abs(places[2] - places[0]) == 2 or number - last_number < 2:
                continue
            last_number = number
            old = gene.codons[number]
            new = "".join(
                [other_than((gene.contig, 0, base, base)) if at != 1 else base for at, base in enumerate(old)]
            )
            changes = sorted((gene.contig, places[at], forward(gene, old[at]), forward(gene, new[at])) for at in (0, 2))
            first, last = (f"{pos}{ref}>{alt}" for _, pos, ref, alt in changes)
            cis = gene.contig, 0, "", f"g.[{first}%3B{last}]"
            yield Pair(changes, cis, described(gene, number, old, new))


def test_codons_that_an_intron_splits(run: Annotate, genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one piece, in small pieces, in blocks, and with other records in the intron."""
    pairs = list(over_introns(genome))
    assert len(pairs) >= 3
    rows = [(change, ["0|1"]) for pair in pairs for change in pair.changes]
    for pair in pairs:
        contig, first, _, _ = pair.changes[0]
        for pos in range(first + 40, pair.changes[1][1] - 40, 20):
            base = genome.sequences[contig][pos - 1]
            rows.append(((contig, pos, base, other_than((contig, pos, base, base))), ["0|1"]))
    content = vcf(rows)
    result = run(content)
    found = said(result)
    for pair in pairs:
        values = {found[change]["GAS_PHASED"] for change in pair.changes}
        (parts,) = (value.split("|") for value in values)
        assert parts[2:] == [pair.together[3], "1"]
        if "Ter" not in pair.protein:
            assert parts[1] == pair.protein
    assert sum("GAS_PHASED" in info for info in found.values()) == 2 * len(pairs)
    with monkeypatch.context() as patch:
        patch.setattr(stream, "BATCH", 1)
        assert run(content).records == result.records
    monkeypatch.setattr(splitter, "HEAD", 0)
    monkeypatch.setattr(splitter, "PREVIEW", 0)
    monkeypatch.setattr(splitter, "SIZE", 300)
    monkeypatch.setattr(reader, "CHUNK", 300)
    monkeypatch.setattr(plain, "LEAST", 0)
    assert run(content).records == result.records


def test_calls_say_who_has_them_together(run: Annotate, genome: Genome) -> None:
    pair = next(pair for pair in in_codons(genome, random.Random(7)) if len(pair.changes) == 2)  # noqa: S311
    one, other = pair.changes
    calls = [("0|1", "0|1"), ("1/1", "0|1"), ("1|0", "0|1"), ("0/1", "0/1"), ("0|1", "0/1"), ("./.", "1/1")]
    result = run(vcf([(one, [left for left, _ in calls]), (other, [right for _, right in calls])]))
    found = said(result)
    assert found[one]["GAS_PHASED"] == found[other]["GAS_PHASED"]
    assert found[one]["GAS_PHASED"].endswith("|2")
    assert result.report.summary["phased_combinations"] == 1


def test_nothing_is_said_without_samples_or_phase_and_all_else_is_the_same(run: Annotate, genome: Genome) -> None:
    pairs = list(in_codons(genome, random.Random(8)))  # noqa: S311 - nothing secret
    results = [
        run(vcf([(change, calls) for pair in pairs for change in pair.changes])) for calls in (["0|1"], ["0/1"], [])
    ]
    counts = [result.report.summary["phased_combinations"] for result in results]
    assert counts == [len(pairs), 0, 0]
    phased, unphased, sites = map(said, results)
    assert unphased == sites
    assert all(info.pop("GAS_PHASED") for info in phased.values())
    assert phased == sites
    assert {line for line in results[0].header if "GAS_PHASED" in line} <= set(results[2].header)


def test_on_a_mitochondrion_only_what_all_molecules_have_counts(run: Annotate, genome: Genome) -> None:
    (gene,) = (gene for gene in genome.genes.values() if gene.contig == "MT")
    place = gene.places[60]
    assert genome.sequences["MT"][place - 1 : place + 2] == gene.codons[20]
    one, other = (
        (("MT", place + at, base, "A" if base != "A" else "C")) for at, base in enumerate(gene.codons[20][:2])
    )
    assert "GAS_PHASED" not in said(run(vcf([(one, ["0|1"]), (other, ["0|1"])])))[one]
    for call in ("1", "1/1"):
        found = said(run(vcf([(one, [call]), (other, [call])])))
        assert found[one]["GAS_PHASED"] == found[other]["GAS_PHASED"]
        assert "|GEN9:p." in found[one]["GAS_PHASED"]


# --- Pieces


def test_neighbours_are_in_one_piece(run: Annotate, genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a piece is full between them; but not without bound."""
    dice = random.Random(9)  # noqa: S311 - nothing secret
    pairs = [*in_codons(genome, dice), *restoring(genome, dice)]
    content = vcf([(change, ["0|1"]) for pair in pairs for change in pair.changes])
    together = run(content).records
    pieces: list[int] = []
    init = record_piece.Batch.__init__

    def counted(self: record_piece.Batch, records: list[Record], work: stream.Pass) -> None:
        pieces.append(len(records))
        init(self, records, work)

    monkeypatch.setattr(record_piece.Batch, "__init__", counted)
    monkeypatch.setattr(stream, "BATCH", 1)
    assert run(content).records == together
    assert len(pieces) > 3
    monkeypatch.setattr(stream, "MOST_TOGETHER", 1)
    cut = said(run(content))
    assert not any("GAS_PHASED" in info for info in cut.values())
    assert len(cut) == len(together)


@pytest.mark.parametrize("head", [0, 40, 80, 120, 200, 280, 4000])
def test_neighbours_are_in_one_piece_where_blocks_begin(
    run: Annotate, genome: Genome, monkeypatch: pytest.MonkeyPatch, head: int
) -> None:
    """Behind records one by one, and at the first records of a contig."""
    pairs = list(in_codons(genome, random.Random(11)))  # noqa: S311 - nothing secret
    content = vcf([(change, ["0|1"]) for pair in pairs for change in pair.changes])
    together = run(content).records
    assert all("GAS_PHASED" in record[7] for record in together)
    monkeypatch.setattr(splitter, "HEAD", head)
    monkeypatch.setattr(splitter, "PREVIEW", 0)
    monkeypatch.setattr(plain, "LEAST", 0)
    assert run(content).records == together


# --- What follows from it


def test_tables_have_a_column_of_it(run: Annotate, genome: Genome) -> None:
    dice = random.Random(10)  # noqa: S311 - nothing secret
    pairs = (pair for _ in range(1000) for pair in in_codons(genome, dice))
    pair = next(one for one in pairs if one.protein.endswith("%3D") and len(one.changes) == 2)
    third = (pair.changes[1][0], pair.changes[1][1], pair.changes[1][2], other_than(pair.changes[1]))
    rows = [(pair.changes[0], ["0|1", "0|1"]), (pair.changes[1], ["0|1", "0|0"]), (third, ["0|0", "0|1"])]
    result = run(vcf(rows))
    texts = said(result)[pair.changes[0]]["GAS_PHASED"].split("&")
    assert len(texts) == 2
    tables.write(result.vcf, result.folder)
    expected = "; ".join(text.replace("%3D", "=") for text in texts)
    typed = pl.read_parquet(result.folder / "annot.parquet")
    flat = pl.read_csv(result.folder / "annot.tsv.gz", separator="\t", infer_schema=False)
    assert typed["phased"][0] == flat["phased"][0] == expected
    assert "=" in expected


def other_than(change: Change) -> str:
    return next(base for base in "ACGT" if base not in change[2:])
