"""File names: what people call their files. They are shown and offered for download, and are never part of a key."""

import unicodedata

MAX_LENGTH = 255
#: Endings of files that the upload form accepts.
ACCEPTED = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
#: Endings that are kept whole when a name is cut or a result is named, longest first. Which files may be uploaded is
#: said by `ACCEPTED`.
VCF_ENDINGS = (".vcf.bgz", ".vcf.gz", ".vcf", ".bcf", ".bgz", ".gz", ".txt")


def clean_name(name: str) -> str:
    """`name` without folders, control characters and surplus length; "upload.vcf" when nothing is left.

    A name that is too long keeps its beginning and its ending.
    """
    base = name.replace("\\", "/").rpartition("/")[2]
    # Control and format characters could hide the ending or turn the line around (categories Cc, Cf).
    visible = "".join(c for c in base if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}).strip()
    if len(visible) > MAX_LENGTH:
        stem, ending = split_ending(visible)
        visible = stem[: MAX_LENGTH - len(ending)] + ending
    return visible if visible.strip(". ") else "upload.vcf"


def split_ending(name: str) -> tuple[str, str]:
    """("sample", ".vcf.gz") of "sample.vcf.gz"; an unknown ending belongs to the stem."""
    for ending in VCF_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)], name[-len(ending) :]
    return name, ""


def download_name(name: str, ending: str) -> str:
    """What a result is saved as: "sample.vcf.gz" and ".annot.vcf.gz" make "sample.annot.vcf.gz"."""
    return split_ending(name)[0] + ending
