"""Well-known genome builds, so that a file on one of them can be recognized even if the build is not installed.

Lengths and accessions are those of NCBI's assembly reports: GCF_000001405.12 (NCBI36), .13 (GRCh37) and .26 (GRCh38),
GCF_009914755.1 (T2T-CHM13v2.0), GCF_000001635.20 (GRCm38) and .27 (GRCm39), at
https://www.ncbi.nlm.nih.gov/datasets/genome/. A patch release adds scaffolds and changes no chromosome. The
mitochondrion is left out, because GRCh37 and GRCh38 share it. UCSC's hg18 and hg19 have a different one, listed here as
a build of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_HUMAN = (*map(str, range(1, 23)), "X", "Y")
_MOUSE = (*map(str, range(1, 20)), "X", "Y")
#: Versions of NC_000001 to NC_000024 in GRCh37. NCBI36 has each one lower, GRCh38 one higher.
_GRCH37_VERSIONS = (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9)


@dataclass(frozen=True)
class Build:
    """A well-known build.

    Attributes:
        name: the name for people.
        lengths: bases of each chromosome, by its name without "chr".
        accessions: the chromosome of each accession.version.
        words: matches names of the build in header lines.
    """

    name: str
    lengths: Mapping[str, int]
    accessions: Mapping[str, str] = field(repr=False)
    words: re.Pattern[str] = field(repr=False)

    def length(self, contig: str) -> int | None:
        """Return the bases of a contig, by any name that files use; None if the build is not known to have it."""
        name = self.accessions.get(contig) or (contig[3:] if contig[:3].lower() == "chr" else contig)
        return self.lengths.get(_MITOCHONDRION.get(name, name))


_MITOCHONDRION = {"M": "MT", "Mt": "MT", "mt": "MT"}


def _build(
    name: str, chromosomes: tuple[str, ...], lengths: str, words: str, accessions: Iterator[str] | None = None
) -> Build:
    numbers = [int(number.replace(",", "")) for number in lengths.split()]
    found = dict(zip(accessions or (), chromosomes * 2, strict=False))
    return Build(
        name,
        dict(zip(chromosomes, numbers, strict=True)),
        found,
        re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", re.IGNORECASE),
    )


def _human(step: int, genbank: int | None = None) -> Iterator[str]:
    for number, version in enumerate(_GRCH37_VERSIONS, 1):
        yield f"NC_{number:06}.{version + step}"
    if genbank is not None:
        yield from (f"CM{number:06}.{genbank}" for number in range(663, 687))


def _t2t() -> Iterator[str]:
    yield from (f"NC_{number:06}.1" for number in range(60925, 60949))
    yield from (f"CP{number:06}.2" for number in range(68277, 68254, -1))  # 1 to 22, X
    yield "CP086569.2"


def _mouse(autosomes: int, sex: int, genbank: int) -> Iterator[str]:
    yield from (f"NC_{number:06}.{autosomes if number < 86 else sex}" for number in range(67, 88))
    yield from (f"CM{number:06}.{genbank}" for number in range(994, 1015))


BUILDS = (
    _build(
        "GRCh38",
        _HUMAN,
        "248956422 242193529 198295559 190214555 181538259 170805979 159345973 145138636 138394717 133797422 135086622 "
        "133275309 114364328 107043718 101991189 90338345 83257441 80373285 58617616 64444167 46709983 50818468 "
        "156040895 57227415",
        r"GRCh38(?:[._]?p\d+)?|hg38|hs38\w*|b38|GCA_000001405\.(?:1[5-9]|2\d)|GCF_000001405\.(?:2[6-9]|[3-9]\d)"
        r"|Homo_sapiens_assembly38",
        _human(1, 2),
    ),
    _build(
        "GRCh37",
        _HUMAN,
        "249250621 243199373 198022430 191154276 180915260 171115067 159138663 146364022 141213431 135534747 135006516 "
        "133851895 115169878 107349540 102531392 90354753 81195210 78077248 59128983 63025520 48129895 51304566 "
        "155270560 59373566",
        r"GRCh37(?:[._]?p\d+)?|hg19|hs37\w*|b37|human_g1k_v37\w*|GCF_000001405\.(?:1[3-9]|2[0-5])"
        r"|GCA_000001405\.(?:[1-9]|1[0-4])|Homo_sapiens_assembly19",
        _human(0, 1),
    ),
    _build(
        "NCBI36",
        _HUMAN,
        "247249719 242951149 199501827 191273063 180857866 170899992 158821424 146274826 140273252 135374737 134452384 "
        "132349534 114142980 106368585 100338915 88827254 78774742 76117153 63811651 62435964 46944323 49691432 "
        "154913754 57772954",
        r"GRCh36|NCBI[ _-]?36(?:\.\d)?|hg18|b36|human_b36\w*|GCF_000001405\.12|Homo_sapiens_assembly18",
        _human(-1),
    ),
    _build(
        "T2T-CHM13v2.0",
        _HUMAN,
        "248387328 242696752 201105948 193574945 182045439 172126628 160567428 146259331 150617247 134758134 135127769 "
        "133324548 113566686 101161492 99753195 96330374 84276897 80542538 61707364 66210255 45090682 51324926 "
        "154259566 62460029",
        r"T2T[-_]?CHM13\w*(?:\.\d)?|CHM13\w*(?:\.\d)?|hs1|GC[AF]_009914755\.\d",
        _t2t(),
    ),
    _build(
        "GRCm39",
        _MOUSE,
        "195154279 181755017 159745316 156860686 151758149 149588044 144995196 130127694 124359700 130530862 121973369 "
        "120092757 120883175 125139656 104073951 98008968 95294699 90720763 61420004 169476592 91455967",
        r"GRCm39(?:[._]?p\d+)?|mm39|GCF_000001635\.27|GCA_000001635\.9",
        _mouse(7, 8, 3),
    ),
    _build(
        "GRCm38",
        _MOUSE,
        "195471971 182113224 160039680 156508116 151834684 149736546 145441459 129401213 124595110 130694993 122082543 "
        "120129022 120421639 124902244 104043685 98207768 94987271 90702639 61431566 171031299 91744698",
        r"GRCm38(?:[._]?p\d+)?|mm10|GCF_000001635\.2[0-6]|GCA_000001635\.[2-8]",
        _mouse(6, 7, 2),
    ),
    _build("UCSC hg19's chrM (NC_001807)", ("MT",), "16571", r"NC_001807(?:\.\d)?", iter(("NC_001807.4",))),
)

#: MD5 of rCRS, for which hg19's chrM is often mistaken: its positions are equal, or higher by one of the shifts below.
RCRS_MD5 = "c68f52674c9fb33aef52dcf399755519"
HG19_CHRM = next(build for build in BUILDS if "NC_001807" in build.name)
HG19_CHRM_SHIFTS = (1, 2)


def named_in(text: str) -> list[Build]:
    """Return the builds that a header line names."""
    return [build for build in BUILDS if build.words.search(text)]
