"""GA4GH service-info 1.0: what kind of service answers at an address, and who runs it. Open to everybody.

Source: https://github.com/ga4gh-discovery/ga4gh-service-info, version 1.0.0.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotator import __version__

DRS = {"group": "org.ga4gh", "artifact": "drs", "version": "1.5.0"}
HTSGET = {"group": "org.ga4gh", "artifact": "htsget", "version": "1.3.0"}


def describe(kind: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return the description of the service of a kind; `more` are the members that its standard adds."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return {
        "id": ".".join([*reversed(host.split(".")), kind["artifact"]]),
        "name": f"Genomics Annotation Service, {kind['artifact']}",
        "type": kind,
        "description": "Annotated variants of a person's own jobs",
        "organization": {"name": "Genomics Annotation Service", "url": settings.SITE_URL},
        "contactUrl": f"mailto:{settings.SUPPORT_EMAIL}",
        "documentationUrl": f"{settings.SITE_URL}/api/v1/docs",
        "version": __version__,
        **more,
    }


@require_safe
@never_cache
def drs(_: HttpRequest) -> JsonResponse:
    """The DRS service."""
    return JsonResponse(describe(DRS, drs={"maxBulkRequestLength": 1}))


@require_safe
@never_cache
def htsget(_: HttpRequest) -> JsonResponse:
    """The htsget service for variants."""
    features = {"datatype": "variants", "formats": ["VCF"], "fieldsParametersEffective": False}
    return JsonResponse(describe(HTSGET, htsget={**features, "tagsParametersEffective": False}))
