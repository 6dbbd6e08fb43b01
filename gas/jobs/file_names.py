"""Names of uploaded files. They are displayed and used for downloads, and are never part of an S3 key."""

import unicodedata

MAX_LENGTH = 255
#: File name endings that the upload form accepts.
ACCEPTED = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
#: Endings that stay whole when a name is shortened or a result is named, longest first. `ACCEPTED` decides which files
#: may be uploaded.
VCF_ENDINGS = (".vcf.bgz", ".vcf.gz", ".vcf", ".bcf", ".bgz", ".gz", ".txt")


def clean_name(name: str) -> str:
    """Return `name` without folders, control characters and surplus length; "upload.vcf" when nothing is left.

    A name that is too long keeps its beginning and its ending.
    """
    base = name.replace("\\", "/").rpartition("/")[2]
    # Control and format characters could hide the ending or reverse the text (categories Cc, Cf).
    visible = "".join(c for c in base if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}).strip()
    if len(visible) > MAX_LENGTH:
        stem, ending = split_ending(visible)
        visible = stem[: MAX_LENGTH - len(ending)] + ending
    return visible if visible.strip(". ") else "upload.vcf"


def split_ending(name: str) -> tuple[str, str]:
    """Split a name: "sample.vcf.gz" gives ("sample", ".vcf.gz"). An unknown ending stays with the stem."""
    for ending in VCF_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)], name[-len(ending) :]
    return name, ""


def download_name(name: str, ending: str) -> str:
    """Return the name that a result is saved as: "sample.vcf.gz", ".annot.vcf.gz" → "sample.annot.vcf.gz"."""
    return split_ending(name)[0] + ending
