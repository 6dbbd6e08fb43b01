"""The reference packs that a job may choose: offered, retired and default packs."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q

from annotator.reference.pack import MANIFEST, PACKS, Contig, ReferenceInfo, available_references
from gas.jobs.catalogue import retiring
from gas.jobs.models import ReferencePack
from gas.users.models import User

#: Number of contigs whose names and lengths are stored: enough for all chromosomes, but not for thousands of scaffolds.
CONTIGS_KEPT = 100


def choices() -> list[ReferenceInfo]:
    """Return the packs that new files may be annotated with: those on this machine, and those published to S3."""
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
    """Return why no new file may be annotated with this reference; "" if one may."""
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
    """Return whether the pack is part of the software and is upgraded with it."""
    return (PACKS / pack_id / MANIFEST).is_file()


class PackDiffers(Exception):
    """A different pack with this id has been published, and results refer to it."""


def register(info: ReferenceInfo) -> ReferencePack:
    """Store a row for this pack. A known pack keeps its dates and whether it is retired.

    Raises:
        PackDiffers: another pack with this id has been published.
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
    """Register the packs of this machine that are not known yet, and update the built-in packs after an upgrade.

    Other packs stay as they were registered, even if this machine has a different one: see
    `gas.jobs.catalogue.packs.load`.
    """
    known = dict(ReferencePack.objects.values_list("pk", "checksum"))
    for info in available_references(settings.REFERENCES_DIR):
        if info.id not in known or (is_built_in(info.id) and known[info.id] != info.checksum):
            register(info)


def retire(packs: Sequence[str], *, actor: User) -> int:
    """Stop offering these packs for new files. Returns how many were offered before."""
    return retiring.retire(ReferencePack.objects.filter(pk__in=packs), actor=actor)


def reinstate(packs: Sequence[str]) -> int:
    """Offer retired packs again. Returns how many there were."""
    return retiring.reinstate(ReferencePack.objects.filter(pk__in=packs))
