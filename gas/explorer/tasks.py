"""Tasks of the explorer. Each fetches by id and calls one function."""

from uuid import UUID

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.explorer import export_worker, large_exports
from gas.tasknames import BUILD_VARIANT_EXPORT, TEND_VARIANT_EXPORTS


@app.task(name=BUILD_VARIANT_EXPORT)
def build_export(export_id: str) -> None:
    """Make the file of a VariantExport that waits.

    After: it is READY and S3 has its file; or FAILED with a sentence; or it waits for another try after an error.
    """
    export_worker.build(UUID(export_id))


@app.task(name=TEND_VARIANT_EXPORTS)
def tend_exports() -> None:
    """Resume exports whose worker or message is lost, and remove those that have expired."""
    if not rounds.just_taken("variant exports", settings.SWEEP_SECONDS):
        large_exports.tend()
