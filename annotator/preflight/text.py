"""Texts that several checks share."""

from annotator.errors import InputError

ADVICE_EXPORT = "Export the file again from the program that made it, and do not edit it in a word processor."


def shown(value: str, limit: int = 40) -> str:
    """Quote a piece of the file for a message, decoded from Latin-1, as which the file is read, to UTF-8 for people."""
    text = value[: 4 * limit].encode("latin-1", "replace").decode("utf-8", "replace")
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{text[:limit]}…"' if len(text) > limit or len(value) > 4 * limit else f'"{text}"'


def separated_by_spaces(number: int) -> InputError:
    """Return the error for a line whose columns are separated by spaces."""
    return InputError(
        "spaces-for-tabs",
        f"Line {number} separates its columns with spaces; VCF columns are separated by tabs.",
        ADVICE_EXPORT,
        number,
    )


def late_header_line(number: int, columns_line: int, *, after_records: bool) -> InputError:
    """Return the error for a header line after the #CHROM line, which is line `columns_line`."""
    if after_records:
        return InputError(
            "header-after-records",
            f"Line {number} is a header line, after records that begin in line {columns_line + 1}.",
            "If files were joined, join them with bcftools concat; else move all header lines to the top.",
            number,
        )
    return InputError(
        "header-after-columns",
        f"Line {number} is a header line after the line of column names.",
        "Move all header lines above the #CHROM line.",
        number,
    )
