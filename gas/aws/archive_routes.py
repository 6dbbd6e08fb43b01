"""Choose the service of Glacier that an archive is in: the vault, or the S3 Glacier storage classes."""

from django.conf import settings

from gas.aws.archives import Archive, Route
from gas.aws.glacier_class import StorageClassArchive
from gas.aws.glacier_vault import VaultArchive

ROUTES: dict[Route, type[Archive]] = {"vault": VaultArchive, "class": StorageClassArchive}


def archive(route: str = "") -> Archive:
    """Return the archive of `route`; without one, of the route that new archives take (ARCHIVE_ROUTE)."""
    return {str(name): kind for name, kind in ROUTES.items()}[route or settings.ARCHIVE_ROUTE]()
