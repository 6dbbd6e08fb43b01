"""Check what a stack holds once all work has ended: every result, every object, every archive, every mail.

`observe` reads the service from outside; `broken_promises` compares what it has read with the jobs that were
submitted, and with what the annotation library makes of the same files.
"""

import gzip
import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from annotator.reference.pack import load_reference
from annotator.run.annotate import annotate
from annotator.run.options import Outputs
from devstack.aws.provision import ARCHIVE_PREFIX, VAULT
from devstack.client import Refused, Scientist
from devstack.stack import Stack

_QUERY = re.compile(r"\?\S*")
_JOB = re.compile(r"/jobs/([0-9a-f-]{36})/")
_RESULT = "annot.vcf.gz"
#: Objects of a result whose bytes follow from its input. The log and the summary may describe the run itself.
_REPRODUCIBLE = (_RESULT, "annot.vcf.gz.tbi", "annot.tsv.gz", "annot.parquet", "annot.stats.txt")
#: {job: {file name: bytes}} that the library makes of the inputs.
Expected = Mapping[str, Mapping[str, bytes]]
_HOT = frozenset({"AVAILABLE", "ARCHIVING"})
#: Records of the largest file that a scenario uploads.
_RECORDS_MAX = 100_000


@dataclass(frozen=True)
class Submitted:
    """A job that a scenario has submitted.

    job: its id.
    person: who owns it, signed in.
    source: the file that was uploaded.
    """

    job: str
    person: Scientist
    source: Path


@dataclass
class EndState:
    """What the service holds.

    database: as the command devstack_state prints it.
    objects: {bucket/key: MD5 of its bytes} of both buckets, without the archives of the storage classes.
    archives: {id: tree hash, or MD5 on the storage classes} of both routes.
    mails: as `Stack.mail` gives them.
    downloads: {job: the bytes that its owner downloads, or why the site refuses them}.
    """

    database: dict[str, Any]
    objects: dict[str, str]
    archives: dict[str, str]
    mails: list[dict[str, Any]]
    downloads: dict[str, bytes | str]


def observe(stack: Stack, submitted: Sequence[Submitted]) -> EndState:
    """Read the database, both buckets, the archives and the mailbox, and download every result as its owner."""
    objects, archives = _objects(stack)
    vault = stack.glacier_state()["vaults"][stack.env.get("GLACIER_VAULT", VAULT)]["archives"]
    return EndState(
        database=stack.state(),
        objects=objects,
        archives=archives | {archive_id: one["tree_hash"] for archive_id, one in vault.items()},
        mails=stack.mail(),
        downloads=_downloads(submitted),
    )


def _objects(stack: Stack) -> tuple[dict[str, str], dict[str, str]]:
    """{bucket/key: MD5} of what is in both buckets, and {key: MD5} of the archives of the storage classes."""
    s3 = stack.aws("s3")
    buckets = (stack.env.get("S3_INPUTS_BUCKET", "gas-inputs"), stack.env.get("S3_RESULTS_BUCKET", "gas-results"))
    found, archives = {}, {}
    for bucket in buckets:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                digest = item["ETag"].strip('"')
                if item["Key"].startswith(ARCHIVE_PREFIX):
                    archives[item["Key"]] = digest
                else:
                    found[f"{bucket}/{item['Key']}"] = digest
    return found, archives


def _downloads(submitted: Sequence[Submitted]) -> dict[str, bytes | str]:
    """Download files of all people in parallel, one at a time per person."""
    theirs: dict[Scientist, list[str]] = {}
    for one in submitted:
        theirs.setdefault(one.person, []).append(one.job)

    def share(person: Scientist) -> dict[str, bytes | str]:
        return {job: _download(person, job) for job in theirs[person]}

    with ThreadPoolExecutor(max(1, len(theirs))) as pool:
        return {job: data for part in pool.map(share, theirs) for job, data in part.items()}


def _download(person: Scientist, job: str) -> bytes | str:
    try:
        return person.download(job)
    except Refused as refusal:
        return str(refusal)


def broken_promises(
    submitted: Sequence[Submitted],
    seen: EndState,
    *,
    forgotten_archives: int = 0,
    mails_may_repeat: bool = False,
    strangers: Iterable[str] = (),
) -> list[str]:
    """Say in a sentence each what is not as it must be; an empty list if all promises were kept.

    Args:
        submitted: all jobs that anybody has submitted.
        seen: what the service holds.
        forgotten_archives: how many archives without a row killed workers may have left in a vault, which names an
            archive only in its answer. The vault's own inventory finds them, a day later.
        mails_may_repeat: whether a process that sends mail was killed: such a mail is sent again.
        strangers: addresses that may get mail besides the owners.
    """
    expected = expect(submitted)
    return [
        *_broken_rows(submitted, seen.database),
        *_broken_downloads(submitted, seen, expected),
        *_broken_objects(seen, expected),
        *broken_archives(seen, expected, forgotten_archives),
        *_broken_mails(submitted, seen, mails_may_repeat, frozenset(strangers)),
    ]


def expect(submitted: Iterable[Submitted]) -> Expected:
    """Annotate the files of all jobs with the library, as the annotate worker does."""
    return {one.job: _annotated(one) for one in submitted}


@cache
def _annotated(one: Submitted) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="gas-verify-") as folder:
        out = Path(folder)
        annotate(
            one.source,
            out,
            reference=load_reference("rCRS"),
            provenance={"job": one.job, "file": one.source.name},
            outputs=Outputs(stats=True, table_records=_RECORDS_MAX),
        )
        return {name: (out / name).read_bytes() for name in _REPRODUCIBLE}


def _broken_rows(submitted: Sequence[Submitted], database: Mapping[str, Any]) -> list[str]:
    problems = []
    jobs = {row["job"]: row for row in database["jobs"]}
    for one in submitted:
        row = jobs.pop(one.job, None)
        if row is None:
            problems.append(f"job {one.job} has no row.")
        elif row["status"] != "COMPLETED":
            problems.append(f"job {one.job} is {row['status']} after {row['attempts']} attempts.")
        elif row["owner"] != one.person.email:
            problems.append(f"job {one.job} of {one.person.email} belongs to {row['owner']}.")
    problems += [f"job {job} was never submitted." for job in jobs]
    for name in ("leases", "notices_unsent", "removals", "batches_open", "purges", "table_builds"):
        if database[name]:
            problems.append(f"{database[name]} {name.replace('_', ' ')} are left though all work has ended.")
    return problems


def _broken_downloads(submitted: Sequence[Submitted], seen: EndState, expected: Expected) -> list[str]:
    """Check that each offered result is what its row says, and what the library makes of the same input."""
    problems = []
    results = {row["job"]: row for row in seen.database["results"]}
    for one in submitted:
        row, data = results.get(one.job), seen.downloads[one.job]
        if row is None:
            problems.append(f"job {one.job} has no result.")
        elif row["state"] not in _HOT:
            continue
        elif isinstance(data, str):
            problems.append(f"the result of job {one.job} cannot be downloaded: {_QUERY.sub('', data)}")
        elif hashlib.sha256(data).hexdigest() != row["sha256"]:
            problems.append(f"the result of job {one.job} is not the one whose SHA-256 its row has.")
        elif difference := _difference(data, expected[one.job][_RESULT]):
            problems.append(f"the result of job {one.job} is not what the library makes of its input: {difference}")
    return problems


def _difference(data: bytes, expected: bytes) -> str:
    """Return the first line that differs, "" if none does."""
    lines = (gzip.decompress(each).decode().splitlines() for each in (data, expected))
    for number, (is_there, wanted) in enumerate(zip_longest(*lines, fillvalue=""), 1):
        if is_there != wanted:
            return f"line {number} is {is_there[:100]!r} instead of {wanted[:100]!r}."
    return ""


def _broken_objects(seen: EndState, expected: Expected) -> list[str]:
    """Both buckets hold what the rows name, whole, and nothing else."""
    problems, named = [], set()
    for row in seen.database["objects"]:
        address, made = row["object"], expected.get(row["job"], {}).get(row["object"].rpartition("/")[2])
        named.add(address)
        if address not in seen.objects:
            problems.append(f"{address}, which job {row['job']} names, is not in S3.")
        elif made is not None and _md5(made) != seen.objects[address]:
            problems.append(f"{address} of job {row['job']} is not what the library makes of its input.")
    named.update(seen.database["half_made"])
    return [*problems, *(f"no row names {extra}, which is in S3." for extra in sorted(set(seen.objects) - named))]


def broken_archives(seen: EndState, expected: Expected, forgotten: float) -> list[str]:
    """Say in which archives, that rows name or not, Glacier differs from the rows.

    Args:
        seen: what the service holds; its downloads are not looked at.
        expected: of all jobs.
        forgotten: how many archives may be there that no row names.
    """
    problems, unknown = [], dict(seen.archives)
    for row in seen.database["results"]:
        if not row["archive_id"]:
            continue
        digest = unknown.pop(row["archive_id"], None)
        if digest is None:
            problems.append(f"the archive that the result of job {row['job']} names is not in Glacier.")
        elif digest != (row["tree_hash"] if row["route"] == "vault" else _md5(expected[row["job"]][_RESULT])):
            problems.append(f"the archive of job {row['job']} is not what was archived.")
    if len(unknown) > forgotten:
        problems.append(
            f"no row names {len(unknown)} archives in Glacier, more than the {forgotten} that killed workers can have "
            f"forgotten: {', '.join(sorted(unknown)[:3])}."
        )
    return problems


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _broken_mails(
    submitted: Sequence[Submitted], seen: EndState, may_repeat: bool, strangers: frozenset[str]
) -> list[str]:
    """Check that each job has one mail, to its owner only, and that there are no other mails."""
    problems = []
    owners = {one.job: one.person.email for one in submitted}
    people = {*owners.values(), *strangers}
    told: Counter[str] = Counter()
    for mail in seen.mails:
        about = {job for job in _JOB.findall(mail["text"]) if job in owners}
        told.update(job for job in about if mail["to"] == [owners[job]])
        problems += [
            f"a mail about job {job} of {owners[job]} went to {', '.join(mail['to'])}."
            for job in about
            if mail["to"] != [owners[job]]
        ]
        if not about and (len(mail["to"]) != 1 or mail["to"][0] not in people):
            problems.append(f"the mail {mail['subject']!r} went to {', '.join(mail['to'])}.")
    for job, owner in owners.items():
        if not told[job]:
            problems.append(f"{owner} got no mail about job {job}.")
        elif told[job] > 1 and not may_repeat:
            problems.append(f"{owner} got {told[job]} mails about job {job}.")
    return problems
