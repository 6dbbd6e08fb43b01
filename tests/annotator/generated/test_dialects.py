"""Files in the dialects of callers: no record is lost, and no byte changes but by the repairs that are documented."""

import random
from collections.abc import Iterator

import pytest

from annotator.preflight import reader
from annotator.run import splitter
from annotator.run.columnar import plain as blocks_plain
from tests.support.generated_runs import Annotate, Annotated
from tests.support.genome import Genome

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
RECORDS = 120
#: Values that a tag may have, by the type that a header has to declare for them.
VALUES = {"Integer": ["7", "-3", "."], "Float": ["62.65", "1e-3", "60.0", "nan"], "String": ["1.00|2.00", "5/9"]}
ORDER = list(VALUES)
Row = tuple[list[str], list[str]]  # a record's columns as they are read, and as they must be written


class Dialect:
    """Writes one file. Each tag is declared narrower than some of its values, or not at all."""

    def __init__(self, seed: int, genome: Genome) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - nothing secret
        self.bases = genome.sequences
        self.samples = seed % 3
        self.types = {tag: ("Integer", self.dice.choice(ORDER)) for tag in ("XA", "XB", "YA", "YB")}
        space = self.dice.choice(["", " "])
        self.header = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
        for tag, (type_, _) in self.types.items():
            kind = "INFO" if tag < "Y" else "FORMAT"
            self.header.append(f'##{kind}=<ID={tag},{space}Number=.,{space}Type={type_},Description="A, {tag}">')
        names = [f"s{number}" for number in range(self.samples)]
        self.columns = "\t".join([COLUMNS, *(["FORMAT", *names] if names else [])])
        self.rows = sorted(self._row() for _ in range(RECORDS))
        self.rows = sorted(self.rows, key=lambda row: (list(self.bases).index(row[0][0]), int(row[0][1])))

    @property
    def content(self) -> bytes:
        return "\n".join([*self.header, self.columns, *("\t".join(read) for read, _ in self.rows), ""]).encode()

    def seen(self, tag: str) -> str:
        """The narrowest type that all values of a tag have."""
        kind_of = {value: kind for kind, values in VALUES.items() for value in values}
        found = ["."]
        for read, _ in self.rows:
            found += [entry[3:] for entry in read[7].split(";") if entry.startswith(f"{tag}=")]
            if len(read) > 8 and tag in read[8].split(":"):
                place = read[8].split(":").index(tag)
                found += [value for sample in read[9:] for value in sample.split(":")[place : place + 1] if value]
        return max((kind_of[value] for value in found), key=ORDER.index)

    def _value(self, tag: str) -> str:
        widest = ORDER.index(self.types[tag][1])
        kind = self.dice.choice(ORDER[: widest + 1])
        return self.dice.choice(VALUES[kind])

    def _alleles(self, contig: str, pos: int) -> tuple[str, str, str, str]:
        """REF and ALT as they are read, and as they must be written."""
        ref = self.bases[contig][pos - 1]
        one, two = self.dice.sample([base for base in "ACGT" if base != ref], 2)
        mate = f"[chrUn_x1:{pos}["
        kind = self.dice.choice(["snv"] * 6 + ["n", "del", "mate", "slash", "contig", "same"])
        return {
            "snv": (ref, one, ref, one),
            "n": ("N", one + two + "ACGT", "N", one + two + "ACGT"),
            "del": ("N", "<DEL>", "N", "<DEL>"),
            "mate": (ref, ref.lower() + mate, ref, ref + mate),
            "slash": (ref, f"{one}/{two}", ref, f"{one},{two}"),
            "contig": (ref, f"{ref.lower()}<ctg_a>", ref, f"{ref}<ctg_a>"),
            "same": (ref, ref, ref, ref),
        }[kind]

    def _row(self) -> Row:
        contig = self.dice.choice(list(self.bases))
        pos = self.dice.randint(2, len(self.bases[contig]) - 1)
        ref, alt, ref_after, alt_after = self._alleles(contig, pos)
        info = self.dice.choice([".", f"XA={self._value('XA')}", f"XA={self._value('XA')};XB={self._value('XB')}"])
        info = self.dice.choice([info, f"AC={self.dice.randint(1, 90)};AN=2"])
        read = [contig, str(pos), f"r{pos}", ref, alt, "60", "PASS", info]
        after = [*read[:3], ref_after, alt_after, *read[5:]]
        if not self.samples:
            return read, after
        if self.dice.random() < 0.1:
            return read, [*after, *["."] * (1 + self.samples)]
        samples, samples_after = [], []
        for _ in range(self.samples):
            whole = f"0/1:{self._value('YA')}:{self._value('YB')}"
            sample, sample_after = self.dice.choice([(whole, whole)] * 8 + [("", "."), ("0/1::7", "0/1:.:7")])
            samples.append(sample)
            samples_after.append(sample_after)
        return [*read, "GT:YA:YB", *samples], [*after, "GT:YA:YB", *samples_after]


@pytest.fixture
def small_blocks() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitter, "HEAD", 0)
        patch.setattr(splitter, "PREVIEW", 0)
        patch.setattr(splitter, "SIZE", 2000)
        patch.setattr(reader, "CHUNK", 2000)
        patch.setattr(blocks_plain, "LEAST", 0)
        yield patch


def bare(result: Annotated) -> list[list[str]]:
    """The records without what annotation adds to INFO."""
    found = []
    for columns in result.records:
        info = [entry for entry in columns[7].split(";") if not entry.startswith(("GAS_", "BCSQ=", "CSQ="))]
        found.append([*columns[:7], ";".join(info) or ".", *columns[8:]])
    return found


@pytest.mark.parametrize("seed", range(24))
def test_no_record_is_lost_and_no_byte_changes(
    run: Annotate, genome: Genome, small_blocks: pytest.MonkeyPatch, seed: int
) -> None:
    made = Dialect(seed, genome)
    in_blocks = run(made.content)
    small_blocks.undo()
    result = run(made.content)
    assert in_blocks.records == result.records
    assert in_blocks.header == result.header
    assert result.report.skipped == 0
    assert bare(result) == [after for _, after in made.rows]
    for line, (tag, (type_, _)) in zip(made.header[2:], made.types.items(), strict=True):
        assert line.replace(f"Type={type_},", f"Type={made.seen(tag)},") in result.header


def test_shuffled_records_say_the_same(run: Annotate, genome: Genome) -> None:
    made = Dialect(1, genome)
    sound = run(made.content)
    made.dice.shuffle(made.rows)
    assert sorted(run(made.content).records) == sorted(sound.records)
