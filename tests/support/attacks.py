"""Small hostile VCF files, each made to take much more time, memory or room than its size suggests.

`ATTACKS` maps a name to the function that makes the file's text; its argument scales the file, and its default is what
once did harm. `write("qual-digits", folder)` writes one file and returns its path; `write_all(folder)` writes them all.
Every file must end within seconds, as an InputError or as a result, in bounded memory and with bounded texts.
"""

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice, product
from pathlib import Path

import annotator

VERSION = "##fileformat=VCFv4.2\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
CONTIG = "chrM"
SOUND = f"{CONTIG}\t263\t.\tA\tG\t50\tPASS\t.\n"  # a record that can be annotated
CODING_POS = 3400  # inside MT-ND1


@cache
def mitochondrion() -> str:
    """Return the bases of the built-in genome, rCRS."""
    fasta = Path(annotator.__file__).parent / "reference/packs/rCRS/genome.fa"
    return "".join(fasta.read_text().split("\n")[1:]).upper()


def vcf(records: str = SOUND, *, meta: str = "", version: str = VERSION) -> str:
    """Return a VCF without samples; every argument is text that ends with a line end."""
    return version + meta + COLUMNS + records


def record(*, pos: int = 263, ref: str = "", alt: str = "G", qual: str = "50", info: str = ".") -> str:
    """Return one record; REF is the base that the genome has, unless given."""
    return f"{CONTIG}\t{pos}\t.\t{ref or mitochondrion()[pos - 1]}\t{alt}\t{qual}\tPASS\t{info}\n"


# --- Texts that a pattern with several ways to match would try in all of them.


def header_exponential(keys: int = 60) -> str:
    """Return a declaration that can be split into keys and values in two ways at each key, and is then not sound."""
    return vcf(meta=f"##INFO=<ID=a{',b=[c]' * keys},!>\n")


def header_spaces(spaces: int = 4_000_000) -> str:
    """Return a VCF 3.x declaration whose description is a run of spaces that does not end the line."""
    return vcf(meta=f"##INFO=a,1,b,{' ' * spaces}x\n")


def header_bracket(spaces: int = 4_000_000) -> str:
    """Return a declaration with runs of spaces after a bracket, which may or may not be the last one."""
    return vcf(meta=f"##FILTER=<ID=a>{' ' * spaces}x\n")


def qual_digits(digits: int = 2_000_000) -> str:
    """Return a QUAL of digits that is no number for its last letter alone."""
    return vcf(record(qual="1" * digits + "x"))


def info_digits(digits: int = 2_000_000) -> str:
    """Return an INFO value, declared as Float, of digits that is no number for its last letter alone."""
    return vcf(
        record(info=f"F={'1' * digits}x"), meta='##INFO=<ID=F,Number=1,Type=Float,Description="Made for tests">\n'
    )


def alt_breakend(bases: int = 2_000_000) -> str:
    """Return an ALT that begins as a breakend and does not end as one."""
    return vcf(record(alt="A" * bases + "[" + "1:1" * 10 + "!"))


# --- Numbers that Python's int() refuses to read, or that do not fit into the integers of compiled loops.


def version_digits(digits: int = 5000) -> str:
    """Return a file whose ##fileformat version has very many digits."""
    return vcf(version=f"##fileformat=VCFv{'9' * digits}\n")


def minor_version_digits(digits: int = 5000) -> str:
    """Return a file whose ##fileformat version has very many digits after the dot."""
    return vcf(version=f"##fileformat=VCFv4.{'9' * digits}\n")


def contig_digits(digits: int = 5000) -> str:
    """Return a file that declares a contig's length with very many digits."""
    return vcf(meta=f"##contig=<ID={CONTIG},length={'9' * digits}>\n")


def position_digits(digits: int = 5000) -> str:
    """Return a record whose POS has very many digits, after a sound one."""
    return vcf(SOUND + f"{CONTIG}\t{'9' * digits}\t.\tA\tG\t50\tPASS\t.\n")


def end_digits(digits: int = 5000) -> str:
    """Return a record whose INFO/END has very many digits."""
    return vcf(record(info=f"END={'9' * digits}"))


# --- Output that grows with the square of the file, or by far more than its size.


def _inserted(length: int = 8) -> Iterator[str]:
    """Yield different sequences of bases."""
    return ("".join(bases) for bases in product("ACGT", repeat=length))


def many_alts(count: int = 3000) -> str:
    """Return one record in a coding sequence with very many ALT alleles."""
    base = mitochondrion()[CODING_POS - 1]
    return vcf(record(pos=CODING_POS, alt=",".join(base + bases for bases in islice(_inserted(), count))))


def long_alts(bases: int = 7_600_000) -> str:
    """Return one record with eight ALT alleles of very many bases each, which pack very small."""
    base = mitochondrion()[CODING_POS - 1]
    return vcf(record(pos=CODING_POS, alt=",".join(base + "ACGT" * (bases // 4) + last for last in "ACGTACGT")))


def many_repairs(tags: int = 25_000) -> str:
    """Return one record whose INFO has very many tags, each with a value that is not of its declared type."""
    meta = "".join(f'##INFO=<ID=T{n},Number=1,Type=Float,Description="">\n' for n in range(tags))
    return vcf(record(info=";".join(f"T{n}=x" for n in range(tags))), meta=meta)


def long_deletions(count: int = 900, bases: int = 4000) -> str:
    """Return very many equal long deletions at one position."""
    deleted = mitochondrion()[CODING_POS - 1 : CODING_POS - 1 + bases]
    return vcf(record(pos=CODING_POS, ref=deleted, alt=deleted[0]) * count)


def spread_deletions(count: int = 10_000, bases: int = 4000) -> str:
    """Return long deletions, one at each position: a table that is much larger than the file."""
    genome = mitochondrion()
    places = [pos for pos in range(600, 600 + count) if "N" not in genome[pos - 1 : pos - 1 + bases]]
    return vcf("".join(record(pos=pos, ref=genome[pos - 1 : pos - 1 + bases], alt=genome[pos - 1]) for pos in places))


def many_contigs(count: int = 100_000) -> str:
    """Return records on very many contigs that the reference does not have, among sound ones."""
    return vcf(SOUND * 900 + "".join(f"un{n}\t1\t.\tA\tG\t50\tPASS\t.\n" for n in range(count)))


def many_skipped(count: int = 100_000) -> str:
    """Return sound records followed by very many that cannot be annotated."""
    return vcf(SOUND * 900 + f"{CONTIG}\t263\t.\tA\t?\t50\tPASS\t.\n" * count)


def long_sample_name(letters: int = 1_000_000) -> str:
    """Return a file whose only sample has a very long name."""
    columns = COLUMNS.removesuffix("\n") + "\tFORMAT\t" + "s" * letters + "\n"
    return VERSION + columns + SOUND.removesuffix("\n") + "\tGT\t0/1\n"


def many_samples(samples: int = 100_000, count: int = 5) -> str:
    """Return a few neighbours in a coding sequence with the phased genotypes of very many samples."""
    names = "\t".join(f"s{number}" for number in range(samples))
    columns = COLUMNS.removesuffix("\n") + f"\tFORMAT\t{names}\n"
    calls = [["0|1", "1|0", "1|1", "0|0"][number // 4 ** (number % 5) % 4] for number in range(samples)]
    rows = []
    for pos in range(CODING_POS, CODING_POS + count):
        alt = "C" if mitochondrion()[pos - 1] != "C" else "T"
        rows.append(
            record(pos=pos, alt=alt).removesuffix("\n") + "\tGT\t" + "\t".join(calls[pos % 7 :] + calls[: pos % 7])
        )
    return VERSION + columns + "\n".join(rows) + "\n"


def reversed_positions(count: int = 16_000, letters: int = 200) -> str:
    """Return records from the last position to the first, so that all of them have to be sorted."""
    bases = mitochondrion()
    rows = [
        record(pos=pos, alt="C" if bases[pos - 1] != "C" else "T", info=f"X={'x' * letters}")
        for pos in range(count, 0, -1)
        if bases[pos - 1] in "ACGT"
    ]
    return vcf("".join(rows))


def long_tag_name(letters: int = 1_000_000) -> str:
    """Return a record with an undeclared INFO tag of a very long name."""
    return vcf(record(info="T" * letters))


ATTACKS: dict[str, Callable[..., str]] = {
    "header-exponential": header_exponential,
    "header-spaces": header_spaces,
    "header-bracket": header_bracket,
    "qual-digits": qual_digits,
    "info-digits": info_digits,
    "alt-breakend": alt_breakend,
    "version-digits": version_digits,
    "minor-version-digits": minor_version_digits,
    "contig-digits": contig_digits,
    "position-digits": position_digits,
    "end-digits": end_digits,
    "alts-1000": lambda: many_alts(1000),
    "alts-3000": many_alts,
    "alts-long": long_alts,
    "repairs-many": many_repairs,
    "deletions-long": long_deletions,
    "contigs-many": many_contigs,
    "skipped-many": many_skipped,
    "sample-name-long": long_sample_name,
    "tag-name-long": long_tag_name,
    "samples-many": many_samples,
    "unsorted": reversed_positions,
}


#: Larger ones: each runs into a limit of the free plan or of a job's memory.
LARGER: dict[str, Callable[..., str]] = {
    "alts-60000": lambda: many_alts(60_000),
    "deletions-spread": spread_deletions,
}


def packed(text: str) -> bytes:
    """Compress text as gzip does; equal text gives equal bytes."""
    return gzip.compress(text.encode("latin-1"), 9, mtime=0)


def write(name: str, folder: Path, *scale: int) -> Path:
    """Write one attack, compressed, into the folder and return its path; scale is passed to its function."""
    path = folder / f"{name}.vcf.gz"
    path.write_bytes(packed(ATTACKS[name](*scale)))
    return path


def write_all(folder: Path) -> list[Path]:
    """Write every attack, compressed, into the folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write(name, folder) for name in ATTACKS]
