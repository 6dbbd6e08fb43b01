"""A small file, what a job's summary says of it, and jobs moved into a state that tests begin with."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile

FINDINGS = {
    "alleles": 2,
    "used": [
        {"name": "built-in", "title": "Known variants of rCRS", "version": "1", "alleles": 1},
        {
            "name": "clinvar",
            "title": "ClinVar",
            "version": "2026-11-15",
            "alleles": 1,
            "significance": {"pathogenic": 1, "benign": 3},
        },
    ],
    "not_used": [],
    "listed": [
        {
            "source": "clinvar",
            "contig": "MT",
            "pos": 3243,
            "ref": "A",
            "alt": "G",
            "change": "m.3243A>G",
            "gene": "MT-TL1",
            "consequence": "",
            "protein": "",
            "kind": "pathogenic",
            "significance": "Pathogenic",
            "review": "reviewed by expert panel",
            "condition": "MELAS syndrome",
            "id": "9589",
            "link": "https://www.ncbi.nlm.nih.gov/clinvar/variation/9589/",
            "count": 1,
        }
    ],
    "omitted": 0,
}
KNOWN = {
    "change": "m.11778G>A",
    "gene": "MT-ND4",
    "protein": "p.Arg340His",
    "disease": "LHON",
    "disease_name": "Leber hereditary optic neuropathy",
    "source": "MITOMAP",
    "contig": "MT",
    "pos": 11778,
    "ref": "G",
    "alt": "A",
    "count": 1,
}

SUMMARY = {
    "records": {"in": 3, "out": 2, "skipped": 1},
    "alleles": 2,
    "variant_types": {"SNV": 2},
    "titv": {"transitions": 2, "transversions": 0, "ratio": None},
    "consequences": {"missense_variant": 1, "intergenic_variant": 1},
    "genes": [{"gene": "MT-ND4", "count": 1}],
    "known": [],
    "samples": 0,
    "repairs": ["1 record: REF in lower case, written in upper case."],
    "skipped_examples": [{"line": 9, "reason": "POS 99999 is past the end of chrM."}],
    "reference": {"id": "rCRS", "title": "Human mitochondrion"},
    "versions": {"bcftools": "1.24"},
}

SMALL_VCF = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchrM\t11778\t.\tG\tA\t.\tPASS\t.\n"


def failed(claim: leases.Claim) -> Job:
    """End a claimed job as one with a bad file."""
    with transaction.atomic():
        leases.fail(claim, code="no-header", message="Line 1: no header.", advice="Add one.")
    return Job.objects.get(pk=claim.job.pk)


def age(job: Job, **fields: float) -> None:
    """Move times of the row into the past: `age(job, sent_at=300)`."""
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(**{name: now - timedelta(seconds=s) for name, s in fields.items()})
    job.refresh_from_db()


def finish(claim: leases.Claim, **words: Any) -> Job:
    prefix = claim.prefix
    result = ResultFile(key=prefix + "annot.vcf.gz", index_key=prefix + "i", size=1, sha256="0" * 64)
    s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=prefix + "log.txt", Body=words.get("log", b"it ran"))
    s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=result.key, Body=b"x")
    leases.complete(claim, result, log_key=prefix + "log.txt", summary=SUMMARY, preview=[])
    return Job.objects.get(pk=claim.job.pk)
