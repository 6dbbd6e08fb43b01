"""What files can be annotated with: references, and sources of known variants."""

from django.conf import settings
from ninja import Router

from gas.api.auth import ApiRequest, needs
from gas.api.schemas.catalogue import ReferenceOut, ReferencesOut, SourceOut, SourcesOut
from gas.api.scopes import JOBS_READ
from gas.jobs.catalogue import references, sources

router = Router(tags=["References and sources"])


@router.get("/references", response=ReferencesOut, auth=needs(JOBS_READ), summary="List references")
def list_references(request: ApiRequest) -> ReferencesOut:
    """The references that new files can be annotated with."""
    return ReferencesOut(
        items=[
            ReferenceOut(
                id=one.id,
                title=one.title,
                organism=one.organism,
                version=one.version,
                description=one.description,
                default=one.id == settings.DEFAULT_REFERENCE,
            )
            for one in references.choices()
        ]
    )


@router.get("/sources", response=SourcesOut, auth=needs(JOBS_READ), summary="List sources of known variants")
def list_sources(request: ApiRequest) -> SourcesOut:
    """The sources of known variants that new jobs use, by reference."""
    return SourcesOut(
        items=[
            SourceOut(
                reference=row.reference_id,
                name=row.name,
                title=row.title,
                version=row.version,
                tags=row.tags,
                alleles=row.alleles,
            )
            for row in sources.offered()
        ]
    )
