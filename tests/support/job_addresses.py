"""Every address that names a job. tests/gas/jobs/pages/test_ownership.py checks that none is left out."""

from uuid import uuid4

#: Addresses that name a job, and the method that acts on it.
OF_A_JOB = {
    "jobs/<uuid:job_id>/": "GET",
    "jobs/<uuid:job_id>/live/": "GET",
    "jobs/<uuid:job_id>/status.json": "GET",
    "jobs/<uuid:job_id>/log/": "GET",
    "jobs/<uuid:job_id>/download/<str:kind>/": "GET",
    "jobs/<uuid:job_id>/confirm/": "POST",
    "jobs/<uuid:job_id>/finish/": "POST",
    "jobs/<uuid:job_id>/parts/": "POST",
    "jobs/<uuid:job_id>/discard/": "POST",
    "jobs/<uuid:job_id>/cancel/": "POST",
    "jobs/<uuid:job_id>/retry/": "POST",
    "jobs/<uuid:job_id>/delete/": "POST",
    "jobs/<uuid:job_id>/shares/": "GET",
    "jobs/<uuid:job_id>/shares/<uuid:share_id>/revoke/": "POST",
    "jobs/<uuid:job_id>/variants/": "GET",
    "jobs/<uuid:job_id>/variants/search/": "GET",
    "jobs/<uuid:job_id>/genome/<str:name>/": "GET",
    "jobs/<uuid:job_id>/variants/charts/": "GET",
    "jobs/<uuid:job_id>/variants/export/<str:kind>/": "GET",
    "jobs/<uuid:job_id>/variants/export/<str:kind>/prepare/": "POST",
    "jobs/<uuid:job_id>/variants/columns/": "POST",
    "jobs/<uuid:job_id>/variants/samples/<int:number>/": "GET",
    "jobs/<uuid:job_id>/variants/saved/": "POST",
    "jobs/<uuid:job_id>/variants/saved/<int:pk>/remove/": "POST",
    "jobs/<uuid:job_id>/variants/at/<path:variant>/": "GET",
    "jobs/<uuid:job_id>/variants/at/<path:variant>/star/": "POST",
}
KINDS = ("vcf", "index", "tsv", "parquet", "stats", "log", "summary", "input", "nonsense")


def concrete(path: str, job_id: object, variant: str = "chrM-3243-A-G") -> list[str]:
    """Return the addresses that a route of a job stands for: one, or one for each kind of file."""
    address = "/" + path.replace("<uuid:job_id>", str(job_id)).replace("<path:variant>", variant)
    address = address.replace("<uuid:share_id>", str(uuid4()))
    address = address.replace("<int:pk>", "1").replace("<int:number>", "0").replace("<str:name>", "vcf")
    return [address.replace("<str:kind>", kind) for kind in KINDS] if "<str:kind>" in address else [address]
