"""What may be wrong with a record of a generated VCF, and how to get there: the tables FAULTS, REPAIRS and FATAL."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

BASES = "ACGT"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


@dataclass
class Draft:
    """The columns of a record that grows."""

    contig: str
    pos: int
    ref: str
    alts: list[str]
    info: list[str]
    name: str = ""
    place: str = ""
    id: str = ""
    qual: str = "."
    filter: str = "PASS"
    format: str = "GT:DP"
    samples: list[str] = field(default_factory=list)

    def text(self) -> str:
        columns = [self.name, self.place or str(self.pos), self.id, self.ref, ",".join(self.alts)]
        columns += [self.qual, self.filter, ";".join(self.info) or "."]
        if self.samples:
            columns += [self.format, *self.samples]
        return "\t".join(columns)


Spoil = Callable[[random.Random, Draft, str], None]  # dice, record, bases of its contig


def other(dice: random.Random, base: str) -> str:
    return dice.choice([one for one in BASES if one != base])


# --- What is wrong with a record that cannot be annotated: {code of the journal: how to get there}


def _unknown(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.name = dice.choice(["chrUn_77", "HLA-A*01:01", "", " 1", "contig with spaces", "Zürich"])


def _in_front(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.place = dice.choice(["0", "00"])


def _behind(dice: random.Random, draft: Draft, bases: str) -> None:
    if dice.random() < 0.5:
        draft.place = str(len(bases) + dice.choice([1, 9, 10**6, 10**15, 10**40]))
        draft.pos = len(bases) + 1
    else:
        draft.pos, draft.ref, draft.alts = len(bases), bases[-1] + other(dice, bases[0]) + "C", [bases[-1]]


def _elsewhere(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.ref = bases[draft.pos - 1 : draft.pos - 1 + dice.choice([1, 1, 3])]
    at = dice.randrange(len(draft.ref))
    wrong = other(dice, draft.ref[at])
    draft.ref = draft.ref[:at] + wrong + draft.ref[at + 1 :]
    draft.alts = ["ACGTACGT"]


def _ref(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.ref = dice.choice(["", "-", ".", "A-", "12", "<DEL>", "É"])


def _ambiguous(dice: random.Random, draft: Draft, bases: str) -> None:
    if dice.random() < 0.5:
        draft.ref = dice.choice("RYSWKMBDHV")
    else:
        draft.alts = ["ACRT", "G"]


def _alt(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.alts = dice.choice([["-"], [""], ["A", ""], ["<DEL"], ["C", "<D EL>"], ["1"], ["<>"], ["A C"], ["G[1:5"]])


def _filter(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.filter = dice.choice(["a b", "q10;;", "x,y", 'q"', "a=b"])


def _info(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.info = dice.choice([["DP=3", "a b=1"], ['"x"'], ["<x>=3"], ["DP=1", "a,b"]])


def _values(dice: random.Random, draft: Draft, bases: str) -> None:
    at = dice.randrange(len(draft.samples))
    draft.samples[at] += dice.choice([":9", ":.:.:.", ":"])


def _format(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.format = dice.choice(["GT:GT", "GT:D P", "GT:DP,X", "GT:a=b"])


def _genotype(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.samples[dice.randrange(len(draft.samples))] = dice.choice(["0/x:3", "a|1:3"])


FAULTS: dict[str, Spoil] = {
    "unknown-contig": _unknown,
    "position-zero": _in_front,
    "position-past-end": _behind,
    "reference-mismatch": _elsewhere,
    "bad-ref": _ref,
    "ambiguous-bases": _ambiguous,
    "bad-alt": _alt,
    "bad-filter": _filter,
    "bad-info": _info,
    "too-many-values": _values,
    "bad-format": _format,
    "bad-sample-value": _genotype,
}
MISFITS = {"position-past-end", "reference-mismatch"}
OF_SAMPLES = {"too-many-values", "bad-format", "bad-sample-value"}


# --- What is put right


def _lower(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.ref = draft.ref.lower()
    draft.alts = [alt.lower() if alt.isalpha() else alt for alt in draft.alts]


def _no_number(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.qual = dice.choice(["x", "", "1,5", "12 "])


def _new_filter(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.filter = dice.choice(["LowQual", "q10;LowQual", "", "s50"])


def _wrong_type(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.info = dice.choice([["DP=many"], ["DP=3.5", "AF=x"], ["AF="], ["DP=99999999999"]])


def _loose_info(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.info = dice.choice([["", "DP=3", ""], ["X1=a%3Bb", "FLAG"], ["SOMATIC", "MQ=60"], ["GAS_CSQ=mine", "BCSQ=x"]])


def _far_end(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.alts, draft.ref = ["<DEL>"], bases[draft.pos - 1]
    draft.info = [f"END={len(bases) + dice.choice([1, 10**5, 10**14])}"]
    draft.samples = ["0/1:3" for _ in draft.samples]


def _same(dice: random.Random, draft: Draft, bases: str) -> None:
    draft.alts = [draft.ref if draft.ref != "N" else bases[draft.pos - 1]]
    draft.ref, draft.info = draft.alts[0], []
    draft.samples = ["0/0:3" for _ in draft.samples]


REPAIRS: dict[str, Spoil] = {
    "lower-case": _lower,
    "bad-qual": _no_number,
    "undeclared-filter": _new_filter,
    "bad-info-value": _wrong_type,
    "loose-info": _loose_info,
    "end-past-end": _far_end,
    "same-allele": _same,
}


# --- What ends a file: {code of the error: how to make such a line of a sound one}


def _bad_position(dice: random.Random, text: str) -> str:
    columns = text.split("\t")
    columns[1] = dice.choice(["", "12a", "-5", "1e3", "1.0", " 7", "²", "+4"])
    return "\t".join(columns)


def _too_few(dice: random.Random, text: str) -> str:
    return "\t".join(text.split("\t")[: dice.randint(2, 5)])


def _too_many(dice: random.Random, text: str) -> str:
    return text + dice.choice(["\tmore", "\tone\tmore", "\t"])


def _header_line(dice: random.Random, text: str) -> str:
    return dice.choice(["##source=joined", COLUMNS])


FATAL: dict[str, Callable[[random.Random, str], str]] = {
    "bad-position": _bad_position,
    "too-few-columns": _too_few,
    "too-many-columns": _too_many,
    "header-after-records": _header_line,
}
