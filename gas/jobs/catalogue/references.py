"""The reference packs that a job may choose: which are offered, which are retired, and which is the default."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q

from annotator.reference.pack import MANIFEST, PACKS, Contig, ReferenceInfo, available_references
from gas.jobs.catalogue import retiring
from gas.jobs.models import ReferencePack
from gas.users.models import User

#: Contigs whose names and lengths the database has: every chromosome, and not all of a thousand scaffolds.
CONTIGS_KEPT = 100


def choices() -> list[ReferenceInfo]:
    """The packs that new files may be annotated with: those of this machine, and those that workers have from S3."""
    rows = ReferencePack.objects.filter(~Q(retired_at=None) | ~Q(published_at=None))
    retired = {row.pk for row in rows if row.retired_at}
    here = available_references(settings.REFERENCES_DIR)
    found = [info for info in here if info.id not in retired]
    if settings.REFERENCES_S3:
        known = retired | {info.id for info in here}
        found += [_info(row) for row in rows if row.pk not in known]
    return found


def is_known(reference: str) -> bool:
    """Return whether a job may choose this reference."""
    return any(info.id == reference for info in choices())


def refusal(reference: str) -> str:
    """Why no new file may be annotated with it; "" if one may."""
    if is_known(reference):
        return ""
    name = reference[:64]
    if ReferencePack.objects.filter(pk=reference).exclude(retired_at=None).exists():
        return f"The reference “{name}” is retired: it takes no new files. Choose another from the list."
    return f"There is no reference “{name}” here. Choose one from the list."


def _info(row: ReferencePack) -> ReferenceInfo:
    return ReferenceInfo(
        id=row.pk,
        title=row.title,
        organism=row.organism,
        version=row.version,
        description=row.description,
        contigs=tuple(Contig(**{**contig, "aliases": tuple(contig["aliases"])}) for contig in row.contigs),
        checksum=row.checksum,
    )


def is_built_in(pack_id: str) -> bool:
    """Whether the pack comes with the software, and is changed with it."""
    return (PACKS / pack_id / MANIFEST).is_file()


class PackDiffers(Exception):
    """Another pack of this id has been published, and results refer to it."""


def register(info: ReferenceInfo) -> ReferencePack:
    """Write down that there is this pack. One that is known already keeps its dates, and whether it is retired.

    Raises PackDiffers.
    """
    published = ReferencePack.objects.filter(pk=info.id).exclude(published_at=None).first()
    if published and published.checksum != info.checksum and not is_built_in(info.id):
        raise PackDiffers(info.id)
    longest = {contig.name for contig in sorted(info.contigs, key=lambda contig: -contig.length)[:CONTIGS_KEPT]}
    kept = [contig for contig in info.contigs if contig.name in longest]
    facts = {
        "title": info.title[:200],
        "organism": info.organism[:100],
        "version": info.version[:100],
        "description": info.description,
        "checksum": info.checksum,
        "contigs": [
            {
                "name": contig.name,
                "length": contig.length,
                "md5": contig.md5,
                "accession": contig.accession,
                "circular": contig.circular,
                "aliases": list(contig.aliases),
                "genetic_code": contig.genetic_code,
                "hgvs_prefix": contig.hgvs_prefix,
            }
            for contig in kept
        ],
    }
    row, _ = ReferencePack.objects.update_or_create(pk=info.id, defaults=facts)
    return row


def register_all() -> None:
    """Write down the packs of this machine that are not known yet, and what an upgrade has made of the built-in ones.

    Others are left as they were registered, even if this machine has something else: see
    `gas.jobs.catalogue.packs.load`.
    """
    known = dict(ReferencePack.objects.values_list("pk", "checksum"))
    for info in available_references(settings.REFERENCES_DIR):
        if info.id not in known or (is_built_in(info.id) and known[info.id] != info.checksum):
            register(info)


def retire(packs: Sequence[str], *, actor: User) -> int:
    """Offer these packs for no new files; returns how many were offered until now."""
    return retiring.retire(ReferencePack.objects.filter(pk__in=packs), actor=actor)


def reinstate(packs: Sequence[str]) -> int:
    """Offer retired packs again; returns how many."""
    return retiring.reinstate(ReferencePack.objects.filter(pk__in=packs))
