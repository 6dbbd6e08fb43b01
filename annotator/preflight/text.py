"""Words that the checks share."""

from annotator.errors import InputError

ADVICE_EXPORT = "Export the file again from the program that made it, and do not edit it in a word processor."


def shown(value: str, limit: int = 40) -> str:
    """Quote a piece of the file for a message. The file is read as Latin-1; people see it as UTF-8."""
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
