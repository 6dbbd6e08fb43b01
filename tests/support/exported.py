"""What files that the explorer exports hold, read by other programs."""

import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree


def sheet_rows(path: Path) -> list[list[str | None]]:
    """Return the cells of the first sheet; formulas would be elements f."""
    text = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    assert not list(root.iter(f"{name}f"))
    return [["".join(cell.itertext()) for cell in row] for row in root.iter(f"{name}row")]


def selected(path: Path) -> list[tuple[str, int, str, str]]:
    """Return the alleles that a VCF marks, read by bcftools; a record without an ALT allele is one."""
    shown = subprocess.run(
        ["bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT\t%INFO/GAS_SELECTED\n", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = []
    for line in shown.stdout.splitlines():
        contig, pos, ref, alts, flags = line.split("\t")
        for alt, flag in zip(alts.split(","), "1" if alts == "." else flags.split(","), strict=True):
            if flag == "1":
                found.append((contig, int(pos), ref, alt))
    return sorted(found)
