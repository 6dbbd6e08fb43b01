"""The reference packs that a job may choose. The only module of the annotation library that the site reads."""

from django.conf import settings

from annotator.references import ReferenceInfo, available_references


def choices() -> list[ReferenceInfo]:
    return available_references(settings.REFERENCES_DIR)


def is_known(reference: str) -> bool:
    return any(info.id == reference for info in choices())
