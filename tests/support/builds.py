"""Reference packs of well-known builds, as a site knows them."""

from annotator.preflight.build_detection.known_builds import Build
from annotator.reference.pack import Contig, ReferenceInfo


def info(build: Build, pack_id: str = "", *, mitochondrion: int | None = 16569) -> ReferenceInfo:
    """A pack of a well-known build, as the database of a site knows it."""
    accessions = {chromosome: name for name, chromosome in reversed(list(build.accessions.items()))}
    contigs = [
        Contig(
            name, length, f"{build.name}-{name}", accessions.get(name, name), False, (f"chr{name}", accessions[name])
        )
        for name, length in build.lengths.items()
    ]
    if mitochondrion:
        contigs.append(Contig("MT", mitochondrion, "rcrs", "NC_012920.1", True, ("chrM", "M", "NC_012920.1")))
    return ReferenceInfo(pack_id or build.name, f"The {build.name} genome", "", "", "", tuple(contigs), "")
