"""Pages of other databases about a variant, by the build that it is on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from gas.explorer.columns import plain_contig
from gas.explorer.keys import VariantKey

_RS = re.compile(r"rs\d+")
_BASES = re.compile(r"[ACGTN]+")
#: Bases on each side that a genome browser shows.
_AROUND = 50


@dataclass(frozen=True)
class Build:
    """A human genome build, and what databases call it. "" where a database does not have it.

    names: how the ids of reference packs for it begin, in lower case.
    """

    names: tuple[str, ...]
    clinvar: str
    gnomad: str
    gnomad_mt: str
    ensembl: str
    ucsc: str


BUILDS = (
    Build(("grch38", "hg38"), "chrpos38", "gnomad_r4", "gnomad_r3", "www.ensembl.org", "hg38"),
    Build(("grch37", "hg19", "hs37"), "chrpos37", "gnomad_r2_1", "", "grch37.ensembl.org", "hg19"),
    Build(("t2t", "chm13", "hs1"), "", "", "", "", "hs1"),
    Build(("rcrs",), "chrpos38", "", "gnomad_r3", "www.ensembl.org", "hg38"),
)
#: Sequences that are mitochondrial in every build of these.
_MITOCHONDRIAL = {"mt", "nc_012920.1", "rcrs"}


@dataclass(frozen=True)
class Link:
    """A page about the variant or its place."""

    name: str
    url: str


def build_of(reference: str) -> Build | None:
    """Return the human build of a reference pack; None for other genomes."""
    name = reference.casefold()
    return next((one for one in BUILDS if name.startswith(one.names)), None)


def links(reference: str, key: VariantKey, ids: str) -> list[Link]:
    """Return the pages that fit the variant's build. ids: of the uploaded file, joined by ;."""
    build = build_of(reference)
    if build is None:
        return []
    is_mt = plain_contig(key.contig) in _MITOCHONDRIAL
    chromosome = "MT" if is_mt else plain_contig(key.contig).upper()
    found = [Link(f"dbSNP {one}", f"https://www.ncbi.nlm.nih.gov/snp/{one}") for one in _RS.findall(ids)[:3]]
    makers: tuple[Callable[[Build, VariantKey, str, bool], Link | None], ...] = (
        _clinvar,
        _gnomad,
        _ensembl,
        _ucsc,
        _mitomap,
    )
    return [*found, *(link for make in makers if (link := make(build, key, chromosome, is_mt)))]


def _clinvar(build: Build, key: VariantKey, chromosome: str, is_mt: bool) -> Link | None:
    if not build.clinvar:
        return None
    term = quote(f"{chromosome}[chr] AND {key.pos}[{build.clinvar}]")
    return Link("ClinVar, at this position", f"https://www.ncbi.nlm.nih.gov/clinvar/?term={term}")


def _gnomad(build: Build, key: VariantKey, chromosome: str, is_mt: bool) -> Link | None:
    data = build.gnomad_mt if is_mt else build.gnomad
    if not data or not _BASES.fullmatch(key.ref) or not _BASES.fullmatch(key.alt):
        return None
    name = f"{'M' if is_mt else chromosome}-{key.pos}-{key.ref}-{key.alt}"
    return Link("gnomAD", f"https://gnomad.broadinstitute.org/variant/{name}?dataset={data}")


def _ensembl(build: Build, key: VariantKey, chromosome: str, is_mt: bool) -> Link | None:
    if not build.ensembl:
        return None
    place = f"{chromosome}:{max(1, key.pos - _AROUND)}-{key.pos + len(key.ref) + _AROUND}"
    return Link("Ensembl", f"https://{build.ensembl}/Homo_sapiens/Location/View?r={quote(place)}")


def _ucsc(build: Build, key: VariantKey, chromosome: str, is_mt: bool) -> Link | None:
    if is_mt and build.ucsc == "hg19":  # its chrM is another sequence
        return None
    place = f"chr{'M' if is_mt else chromosome}:{max(1, key.pos - _AROUND)}-{key.pos + len(key.ref) + _AROUND}"
    return Link("UCSC", f"https://genome.ucsc.edu/cgi-bin/hgTracks?db={build.ucsc}&position={quote(place)}")


def _mitomap(build: Build, key: VariantKey, chromosome: str, is_mt: bool) -> Link | None:
    if not is_mt or build.ucsc == "hs1":
        return None
    change = quote(f"{key.pos}{key.ref}>{key.alt}", safe="")
    return Link("MITOMAP", f"https://www.mitomap.org/cgi-bin/search_allele?variant={change}")
