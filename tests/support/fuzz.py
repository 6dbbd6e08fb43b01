"""Files that are nearly VCF, for Hypothesis: valid ones with some things put wrong, and bytes of packed files."""

import gzip
import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from annotator.formats.bgzf import END, BgzfWriter
from tests.support.vcfs import Recipe, generate

#: Texts that a number, a name, an allele or a list may be, and mostly should not.
TOKENS = [
    "", ".", "..", "0", "-1", "-0", "+1", "00", "1.", ".5", "1e5", "1e400", "-1e-400", "1e", "nan", "-inf", "infinity",
    "0x10", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808",
    "99999999999", "9" * 18, "9" * 19, "9" * 400, "9" * 5000, "1" * 5000 + "x", "1." + "3" * 2000, "\0", "\r", "\x0b",
    "\x1a", "\x1c", "\x85", "\xa0", "\xad", "\xb2", "\xff", "\xc3\x28", "\xf0\x9f\xa7\xac", "\xd9\xa3", " ", "\t",
    "\t\t", ",", ",,", ";", ";;", ":", "::", "|", "/", "=", "==", '"', "'", "\\", "<", ">", "<>", "%", "%00", "%s",
    "{}", "A", "a", "N", "R", "*", "-", "<DEL>", "<*>", "<NON_REF>", "<A,B>", "[", "]", "G]1:100]",
    "G]1:99999999999999999999]", "]1:0]A", "A[<x>:1[", ".A", "A.", "ACGT" * 60, "N" * 300, "A," * 300 + "C",
    "A" * 70_000, "DP", "DP=", "DP=1,2", "DP=1;DP=2", "AF=.", "AF=1e99999", "END=0", "END=-5", "END=1",
    "END=99999999999999999999", "END=1;END=2", "SVLEN=-99999999999", "BCSQ=x", "GAS_CSQ=x", "=x", "A=B=C", "H2",
    "CIGAR=", "X" * 1200, "T=" + "x" * 70_000, "GT", "GT:GT", "GT:", ":GT", "GT:BCSQ", "DP:GT", "0/1", "0|1", "1|2|3",
    "0/99", "0|99999999999", "/0", "|1", "0/", "./.", "0:1:2:3:4:5", "0|1:5:" + "9" * 5000, "1/" * 200 + "1", "PASS",
    "PASS;q10", "q10;q10", "0", "a b", "chrM", "MT", "1", "chr1", "HLA-A*01:01", "NC_000001.10", "c" * 5000, "#", "##",
    "#CHROM",
]  # fmt: skip
#: Whole lines, of a header mostly.
LINES = [
    "", " ", "\t", "#", "##", "##=", "##x", "##INFO", "##INFO=", "##INFO=<", "##INFO=<>", "##INFO=<ID=>",
    "##fileformat=", "##contig=<ID=1>", "##fileformat=VCFv3.3", "##fileformat=VCFv4.5", "##fileformat=VCFv9.9",
    "##fileformat=VCFv4", "##fileformat=VCFv4." + "9" * 5000, "##fileformat=VCFv" + "9" * 5000 + ".1",
    '##INFO=<ID=DP,Number=1,Type=String,Description="">', "##INFO=<ID=DP,Number=A,Type=Flag>",
    '##INFO=<ID=DP,Number=99999999999,Type=Integer,Description="x">',
    '##INFO=<ID=END,Number=1,Type=String,Description="x">', '##INFO=<ID=END,Number=0,Type=Flag,Description="x">',
    '##FORMAT=<ID=GT,Number=1,Type=Integer,Description="x">', '##FORMAT=<ID=GT,Number=G,Type=Float,Description="x">',
    '##FORMAT=<ID=DP,Number=0,Type=Flag,Description="x">', '##INFO=<ID=A\xe9,Number=1,Type=String,Description="x">',
    '##INFO=<ID=a b,Number=1,Type=String,Description="x">', '##INFO=<ID=BCSQ,Number=1,Type=Integer,Description="x">',
    '##INFO=<ID=GAS_CSQ,Number=1,Type=Integer,Description="x">',
    '##INFO=<ID=Q,Number=1,Type=Float,Description="unclosed>',
    '##INFO=<ID=Q,Number=1,Type=Float,Description="a\\"b\\\\">',
    "##INFO=<ID=Q,Number=1,Type=Float,Description=x,b=[c],b=[c],!>", "##INFO=Q,1,Integer,text",
    '##FORMAT=Q,-1,String,"text', "##FILTER=q10,text", "##FILTER=<ID=PASS>", "##FILTER=<ID=.>",
    "##FILTER=<ID=0,Description=x>", "##FILTER=<ID=a;b,Description=x>", "##contig=<ID=1,length=0>",
    "##contig=<ID=1,length=-5>", "##contig=<ID=1,length=1e9>", "##contig=<ID=1,length=" + "9" * 18 + ">",
    "##contig=<ID=1,length=" + "9" * 5000 + ">", "##contig=<ID=2,length=2147483648,assembly=b37,md5=x>",
    "##contig=<ID=<>,length=1>", "##contig=<ID=chrM,length=16571>", "##contig=<ID=a=b,length=5>", "##contig=<length=5>",
    "##contig=<ID=x y>", "##reference=file:///GRCh38.fa", "##assembly=" + "x" * 70_000, "##ALT=<ID=DEL>",
    "##SAMPLE=<ID=x", "##PEDIGREE=<a=b>", "##META=<x", "##bcftools_csqVersion=1", "##gas_x=1",
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts1",
    "1\t1\t.\tA\tC\t.\t.\t.", "1 1 . A C . . .", "1\t0\t.\tA\tC\t.\t.\t.", "\xef\xbb\xbf##x", "##x=" + "\xff" * 50,
]  # fmt: skip
COLUMNS = 12


@dataclass(frozen=True)
class Change:
    """One thing to put wrong. where: in which line, as a share of them all; the rest depends on the kind."""

    kind: str
    where: float
    column: int
    text: str


#: A place in a file: whole numbers, because Hypothesis prefers floats that are near to nothing.
SHARES = st.integers(0, 9999).map(lambda number: number / 10_000)


def changes(kinds: tuple[str, ...], texts: list[str]) -> st.SearchStrategy[Change]:
    return st.builds(Change, st.sampled_from(kinds), SHARES, st.integers(0, COLUMNS), st.sampled_from(texts))


_OF_VALUES = changes(("column", "column", "append", "value", "letter"), TOKENS)
CHANGES = st.one_of(
    _OF_VALUES,
    _OF_VALUES,
    _OF_VALUES,
    changes(("declaration",), LINES),
    changes(("line", "cut", "double", "drop", "swap", "join"), LINES),
)
RECIPES = st.builds(
    Recipe,
    records=st.sampled_from([1, 5, 30]),
    samples=st.integers(0, 2),
    neighbours=st.sampled_from([0.0, 0.5]),
    repairs=st.sampled_from([0.0, 0.3]),
    errors=st.sampled_from([0.0, 0.1]),
    order=st.sampled_from(["sorted", "sorted", "sorted", "shuffled"]),
    newline=st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"]),
    declared=st.booleans(),
)


def changed(text: str, wrong: list[Change]) -> str:
    """Put things wrong in a VCF, one after the other."""
    lines = text.split("\n")
    for one in wrong:
        at = int(one.where * len(lines))
        place = int(one.where * 7919 * (one.column + 1)) % (len(lines[at]) + 1)  # a letter of the line
        if one.kind in {"column", "append"}:
            columns = lines[at].split("\t")
            number = one.column % len(columns)
            columns[number] = (columns[number] if one.kind == "append" else "") + one.text
            lines[at] = "\t".join(columns)
        elif one.kind == "value":
            lines[at] = _with_value(lines[at], one)
        elif one.kind == "letter":
            lines[at] = lines[at][:place] + one.text + lines[at][place + one.column % 2 :]
        else:
            lines = _rearranged(lines, at, place, one)
    return "\n".join(lines)


def _with_value(line: str, one: Change) -> str:
    """Replace a number that stands behind a sign."""
    for sign in "=;:,|/\t"[one.column % 7 :]:
        before, found, rest = line.partition(sign)
        if found:
            return before + sign + one.text + rest.lstrip("0123456789.")
    return line


def _rearranged(lines: list[str], at: int, place: int, one: Change) -> list[str]:
    header = next((number for number, line in enumerate(lines) if not line.startswith("##")), 0)
    other = (at + one.column + 1) % len(lines)
    if one.kind == "swap":
        lines[at], lines[other] = lines[other], lines[at]
        return lines
    if one.kind == "declaration":
        return [*lines[: min(at, header)], one.text, *lines[min(at, header) :]]
    middle = {
        "line": [one.text, lines[at]],
        "cut": [lines[at][:place]],
        "double": [lines[at], lines[at]],
        "drop": [] if len(lines) > 1 else [""],
        "join": ["".join(lines[at : at + 2])],
    }[one.kind]
    return [*lines[:at], *middle, *lines[at + (2 if one.kind == "join" else 1) :]]


def files(contigs: Mapping[str, str], recipes: st.SearchStrategy[Recipe] = RECIPES) -> st.SearchStrategy[bytes]:
    """Texts of files; few of them are still valid."""
    made = st.builds(lambda seed, recipe: generate(seed, contigs, recipe).content, st.integers(0, 999), recipes)
    spoiled = st.lists(CHANGES, min_size=1, max_size=4)
    return st.builds(lambda content, wrong: changed(content.decode("latin-1"), wrong).encode("latin-1"), made, spoiled)


# --- Bytes


@dataclass(frozen=True)
class Damage:
    """Damage of bytes: at some place, bytes are replaced by others, or all that follow are left out."""

    where: float
    count: int
    data: bytes
    end: bool

    def done(self, content: bytes) -> bytes:
        at = int(self.where * len(content))
        return content[:at] + (b"" if self.end else self.data + content[at + self.count :])


DAMAGES = st.lists(
    st.builds(
        Damage,
        SHARES,
        st.integers(0, 8),
        st.binary(max_size=8)
        | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80"]),
        st.sampled_from([False] * 9 + [True]),
    ),
    min_size=1,
    max_size=3,
)


def damaged(content: bytes, damages: list[Damage]) -> bytes:
    for one in damages:
        content = one.done(content)
    return content


def bgzipped(content: bytes, block: int = 4096) -> bytes:
    """Compress bytes as bgzip does, in small blocks."""
    file = io.BytesIO()
    writer = BgzfWriter(file, block=block)
    writer.write(content)
    writer.finish()
    return file.getvalue() + END


def members(content: bytes, seed: int) -> bytes:
    """Compress bytes in gzip members of all sizes, empty ones among them."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    packed, at = b"", 0
    while at < len(content):
        size = dice.choice([0, 1, 50, 5000])
        packed += gzip.compress(content[at : at + size], 1, mtime=0)
        at += size
    return packed


PACKINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": lambda content: gzip.compress(content, 1, mtime=0),
    "bgzip": bgzipped,
    "members": lambda content: members(content, len(content)),
    "twice": lambda content: gzip.compress(gzip.compress(content, 1, mtime=0), 1, mtime=0),
}
