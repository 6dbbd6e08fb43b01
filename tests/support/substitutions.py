"""VCFs of substitutions, without contigs in their header."""

from collections.abc import Iterable

from tests.support.small_vcfs import COLUMNS


def vcf(rows: Iterable[tuple[str, int, str, str]]) -> str:
    lines = [f"{contig}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n" for contig, pos, ref, alt in rows]
    return f"##fileformat=VCFv4.2\n{COLUMNS}\n{''.join(lines)}"


def other(base: str) -> str:
    return {"A": "C", "C": "A", "G": "T", "T": "G"}[base]
