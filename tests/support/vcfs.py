"""VCF files made from a seed, of which it is known which lines cannot be annotated, and why.

`generate(seed, contigs, Recipe(records=30, errors=0.2))` gives a `Made`: its text, the codes that the journal must have
for its lines, and the code that refuses the whole, where one does. Each record has an ID of its own, so that what comes
out can be told apart; duplicates have one together.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from tests.support.vcffaults import BASES, COLUMNS, FATAL, FAULTS, MISFITS, OF_SAMPLES, REPAIRS, Draft, other

#: Bases by contig, upper case.
Contigs = Mapping[str, str]
#: More records than this that lie elsewhere than the reference may have the file refused: see preflight.match.
MOST_MISFITS = 0.06
ROLLED = 50  # bases that an indel is moved along a repeat, at most
DECLARED = (
    '##FILTER=<ID=q10,Description="Quality below 10">',
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="Last base">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">',
)


@dataclass(frozen=True)
class Recipe:
    """What a file is to be like. Shares are of its records.

    errors: cannot be annotated, and must be listed. faults: of which kinds, all if empty. repairs: have something that
    is put right. neighbours: have another one close to them, and calls of which many are phased. fatal: what ends the
    whole, a key of FATAL. order: "sorted" or "shuffled". hot: positions that half of the records are near, by contig.
    names: how the file calls the contigs, where not by their own names.
    """

    records: int = 30
    errors: float = 0.0
    faults: Sequence[str] = ()
    repairs: float = 0.1
    structural: float = 0.05
    several: float = 0.1
    indels: float = 0.25
    duplicates: float = 0.03
    neighbours: float = 0.0
    samples: int = 0
    fatal: str = ""
    order: str = "sorted"
    declared: bool = True
    newline: str = "\n"
    last_newline: bool = True
    hot: Mapping[str, Sequence[int]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line after the header. fault: the journal's code for it, "" if it is to come out; blank lines have no id."""

    contig: str
    pos: int
    text: str
    id: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Made:
    """A file. refusal: the code of the error that must end it, "" if it must come through."""

    recipe: Recipe
    header: list[str]
    rows: list[Row]
    refusal: str

    @property
    def content(self) -> bytes:
        newline = self.recipe.newline
        text = newline.join([*self.header, *(row.text for row in self.rows)])
        return (text + newline if self.recipe.last_newline else text).encode("latin-1")

    @property
    def records(self) -> list[Row]:
        return [row for row in self.rows if row.text]

    @property
    def listed(self) -> dict[int, str]:
        """{number of the line: code} of the records that cannot be annotated."""
        return {
            number: row.fault for number, row in enumerate(self.rows, len(self.header) + 1) if row.text and row.fault
        }

    @property
    def sound(self) -> Counter[str]:
        """How often each ID must come out."""
        return Counter(row.id for row in self.records if not row.fault)

    @property
    def fatal_line(self) -> int:
        """The number of the line that ends the whole; 0 if there is none."""
        lines = (number for number, row in enumerate(self.rows, len(self.header) + 1) if row.fault in FATAL)
        return next(lines, 0)


def generate(seed: int, contigs: Contigs, recipe: Recipe = Recipe()) -> Made:
    """Make a file; the same arguments give the same."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    numbers = count(1)
    drafts = [_draft(dice, contigs, recipe) for _ in range(recipe.records)]
    if recipe.neighbours:
        drafts += [_neighbour(dice, contigs, one, recipe) for one in drafts if dice.random() < recipe.neighbours]
    drafts.sort(key=lambda one: one.pos)
    order = {name: number for number, name in enumerate(contigs)}
    drafts.sort(key=lambda one: order[one.contig])
    misfits = _Misfits(recipe, Counter(one.contig for one in drafts))
    rows: list[Row] = []
    for draft in drafts:
        draft.id = f"r{next(numbers)}"
        bases, fault = contigs[draft.contig], ""
        if dice.random() < recipe.errors:
            fault = dice.choice(
                [name for name in recipe.faults or sorted(FAULTS) if recipe.samples or name not in OF_SAMPLES]
            )
            if fault in MISFITS and not misfits.allow(draft.contig):
                fault = "bad-alt"
            if draft.ref == "N":  # fits only with the ALT that it has
                draft.ref = bases[draft.pos - 1]
            FAULTS[fault](dice, draft, bases)
        elif dice.random() < recipe.repairs:
            REPAIRS[dice.choice(sorted(REPAIRS))](dice, draft, bases)
        copies = 2 if dice.random() < recipe.duplicates and fault not in MISFITS else 1
        rows += [Row(draft.contig, draft.pos, draft.text(), draft.id, fault)] * copies
    if recipe.order == "shuffled":
        dice.shuffle(rows)
    refusal = recipe.fatal or _refusal(rows)
    if recipe.fatal:
        at = dice.randint(1, len(rows))
        rows.insert(at, Row("", 0, FATAL[recipe.fatal](dice, rows[at - 1].text), "", recipe.fatal))
    if dice.random() < recipe.repairs and rows:
        rows.insert(dice.randrange(len(rows)), Row("", 0, ""))
    return Made(recipe, _header(contigs, recipe), rows, refusal)


class _Misfits:
    """Keep the records that do not fit few, so that they do not indicate another genome."""

    def __init__(self, recipe: Recipe, rooms: Counter[str]) -> None:
        self._most = MOST_MISFITS * (1 - recipe.errors) * recipe.records
        self._rooms = rooms
        self._seen: Counter[str] = Counter()

    def allow(self, contig: str) -> bool:
        if self._seen.total() + 1 > self._most or self._seen[contig] + 1 > max(1, self._rooms[contig] / 10):
            return False
        self._seen[contig] += 1
        return True


def _refusal(rows: list[Row]) -> str:
    """A file without any usable record is refused with the code of its first record."""
    faults = [row.fault for row in rows if row.text]
    return faults[0] if faults and all(faults) else ""


def _header(contigs: Contigs, recipe: Recipe) -> list[str]:
    samples = [f"s{number}" for number in range(1, recipe.samples + 1)]
    lines = ["##fileformat=VCFv4.2"]
    if recipe.declared:
        lines += DECLARED
        lines += [
            f"##contig=<ID={recipe.names.get(name, name)},length={len(bases)}>" for name, bases in contigs.items()
        ]
    return [*lines, "\t".join([COLUMNS, *(["FORMAT", *samples] if samples else [])])]


def _draft(dice: random.Random, contigs: Contigs, recipe: Recipe) -> Draft:
    (contig,) = dice.choices(list(contigs), [len(bases) for bases in contigs.values()])
    bases, hot = contigs[contig], recipe.hot.get(contig, ())
    if hot and dice.random() < 0.5:
        pos = min(max(dice.choice(hot) + dice.randint(-4, 4), 1), len(bases) - 1)
    else:
        pos = dice.randint(1, len(bases) - 1)
    kind = dice.random()
    if kind < recipe.structural:
        draft = _structural(dice, contig, pos, bases)
    elif kind < recipe.structural + recipe.several:
        draft = _several(dice, contig, pos, bases)
    elif kind < recipe.structural + recipe.several + recipe.indels:
        draft = Draft(contig, *_indel(dice, pos, bases), [])
    else:
        draft = _substitution(dice, contig, pos, bases)
    draft.name = recipe.names.get(contig, contig)
    draft.qual = dice.choice([".", "50", "12.5", "1e3"])
    draft.filter = dice.choice(["PASS", "PASS", ".", "q10"])
    draft.info += dice.choice([[], ["DP=17"], ["DP=3", f"AF={','.join('0.25' for _ in draft.alts)}"]])
    draft.samples = [_sample(dice, len(draft.alts)) for _ in range(recipe.samples)]
    return draft


def _neighbour(dice: random.Random, contigs: Contigs, draft: Draft, recipe: Recipe) -> Draft:
    """A change that may lie on one molecule with another one, which gets calls that say more of it, too."""
    bases = contigs[draft.contig]
    pos = min(max(1, draft.pos + dice.choice([-1, 0, 1, 1, 1, 2, 2, 3, 4, 10, 27, 31])), len(bases) - 1)
    if dice.random() < 0.3:
        found = Draft(draft.contig, *_indel(dice, pos, bases), [])
    else:
        found = _substitution(dice, draft.contig, pos, bases)
    found.name = draft.name
    calls = ["0|1", "0|1", "1|0", "1|1", "1/1", "0/1", "1", "0|1|1", ".|1", "./1", "0|0"]
    for one in (draft, found):
        one.samples = [f"{dice.choice(calls)}:7" for _ in range(recipe.samples)]
    if dice.random() < 0.3:
        for one in (draft, found):
            one.format = "GT:DP:PS"
            one.samples = [f"{sample}:{dice.choice(['5', '5', '6', '.'])}" for sample in one.samples]
    return found


def _sample(dice: random.Random, alts: int) -> str:
    one, other = (dice.choice([".", *map(str, range(alts + 1))]) for _ in range(2))
    return f"{one}{dice.choice('/|')}{other}:{dice.choice(['.', '0', '21'])}"


def _substitution(dice: random.Random, contig: str, pos: int, bases: str) -> Draft:
    size = dice.choice([1] * 9 + [2, 3])
    ref = bases[pos - 1 : pos - 1 + size]
    alt = "".join(other(dice, base) for base in ref)
    if dice.random() < 0.1:  # with a base that is the same in both
        before = bases[pos - 2] if pos > 1 else ""
        return Draft(contig, pos - len(before), before + ref, [before + alt], [])
    return Draft(contig, pos, ref, [alt], [])


def _indel(dice: random.Random, pos: int, bases: str) -> tuple[int, str, list[str]]:
    """One written as callers do, or further right along its repeat, or with more bases around it than it needs."""
    size = dice.choice([1, 1, 1, 2, 3, 3, 4, 6, 9, 20])
    pos = min(pos, len(bases) - size - 1)
    deleted = bases[pos : pos + size]
    dropped = dice.random() < 0.5
    moved = deleted if dropped or dice.random() < 0.4 else "".join(dice.choices(BASES, k=size))
    steps = 0
    while steps < ROLLED and pos + size + steps < len(bases) - 1:
        if bases[pos + steps + (size if dropped else 0)] != moved[steps % size]:
            break
        steps += 1
    steps = dice.randint(0, steps)
    moved = moved[steps % size :] + moved[: steps % size]
    pos += steps
    anchor = bases[pos - 1]
    after = bases[pos + size : pos + size + 2] if dropped else bases[pos : pos + 2]
    more = after[: dice.choice([0, 0, 0, 1, 2])]
    longer, shorter = anchor + moved + more, anchor + more
    return (pos, longer, [shorter]) if dropped else (pos, shorter, [longer])


def _several(dice: random.Random, contig: str, pos: int, bases: str) -> Draft:
    size = dice.choice([1, 1, 2, 4])
    ref = bases[pos - 1 : pos - 1 + size]
    others = [other(dice, ref[0]) + ref[1:], ref + dice.choice(BASES), ref + ref[-1] * 3, ref[0] + "TGA" + ref[1:]]
    if size > 1:
        others.append(ref[0])
    others.append(dice.choice(["*", "<NON_REF>", "<DEL>", "N" + ref[1:]]))
    alts = list(dict.fromkeys(alt for alt in dice.sample(others, dice.randint(2, 3)) if alt != ref))
    return Draft(contig, pos, ref, alts, [])


def _structural(dice: random.Random, contig: str, pos: int, bases: str) -> Draft:
    ref, alt = bases[pos - 1], dice.choice(["<DEL>", "<DUP:TANDEM>", "<INS>", "*", ".", "<*>", "[]", "N"])
    info = []
    if alt == "[]":
        alt = f"{ref}]{contig}:{dice.randint(1, len(bases))}]"
        info = ["SVTYPE=BND"]
    elif alt in {"<DEL>", "<DUP:TANDEM>"}:
        info = [f"SVTYPE={alt[1:4]}", f"END={min(pos + dice.randint(1, 3000), len(bases))}"]
        if dice.random() < 0.3:
            ref = "N"  # some callers do not look it up
    return Draft(contig, pos, ref, [alt], info)
