"""What names a variant in addresses, in the search box and in notes: contig, position, REF and ALT."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What stands between the contig and ALT.
_MIDDLE = re.compile(r"[-:](?P<pos>\d{1,15})[-:]?(?P<ref>[ACGTNacgtn]++)[->/:]")
_SPACES = re.compile(r"\s++")


@dataclass(frozen=True)
class VariantKey:
    """A variant as the file has it. contig: by the file's name. alt: "." for a record without an ALT allele."""

    contig: str
    pos: int
    ref: str
    alt: str

    def __str__(self) -> str:
        return f"{self.contig}-{self.pos}-{self.ref}-{self.alt}"

    @classmethod
    def parse(cls, text: str) -> "VariantKey | None":
        """Read chr7-117559593-ATCT-A, or chr7:117559593 ATCT>A without the space; None for other texts."""
        text = _SPACES.sub("", text)
        found = _MIDDLE.search(text, 1)
        if found is None or found.end() == len(text):
            return None
        return cls(text[: found.start()], int(found["pos"]), found["ref"].upper(), _bases(text[found.end() :]))

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "VariantKey":
        """Return the key of a row."""
        return cls(row["contig"], row["pos"], row["ref"], row["alt"] or ".")


def _bases(alt: str) -> str:
    return alt.upper() if alt.isalpha() else alt
