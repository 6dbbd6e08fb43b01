"""Sizes as text."""


def in_words(count: int) -> str:
    """Return a number of bytes as text, 1 KB being 1,024 bytes: "150 KB", "1.4 MB"."""
    if count < 1024:
        return f"{count} byte{'' if count == 1 else 's'}"
    value = float(count)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 1024 or unit == "TB":
            break
    return f"{value:.1f} {unit}".replace(".0 ", " ") if value < 10 else f"{value:.0f} {unit}"
