"""One job through everything, to Glacier and back, as a person sees it, with the time that each step took."""

import gzip
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from annotator.reference.sample_file import write_sample
from devstack.client import Scientist
from devstack.scenarios.cold_life import SETTINGS, archive_and_restore
from devstack.scenarios.timeline import Broken, Timeline, expect
from devstack.stack import Stack
from devstack.waiting import wait_for

#: Leber hereditary optic neuropathy's best known variant, and where it lies.
VARIANT, GENE = ("11778", "G", "A"), "ND4"
#: The ways to archive, see ARCHIVE_ROUTE.
ROUTES = ("vault", "class")


def demo(say: Callable[[str], None], console: Console, routes: Sequence[str] = ROUTES) -> int:
    """Run it for each way to archive, on a fresh stack each; print the timelines, and return the exit code."""
    for route in routes:
        timeline = Timeline(f"One job through everything, archived by the route “{route}”")
        try:
            _life(say, timeline, route)
        except Broken as error:
            console.print(timeline.table())
            console.print(f"The demo failed. {error}", style="bold red", markup=False)
            return 1
        console.print(timeline.table())
    console.print("Everything worked.", style="bold green")
    return 0


def _life(say: Callable[[str], None], timeline: Timeline, route: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gas-demo-") as folder:
        stack = Stack(Path(folder) / "data", env={**SETTINGS, "ARCHIVE_ROUTE": route}, say=say)
        try:
            with timeline.step("Start everything"):
                stack.start()
            _one_job(stack, timeline, Path(folder))
            with timeline.step("Stop everything"):
                stack.stop()
        finally:
            stack.stop()


def _one_job(stack: Stack, timeline: Timeline, folder: Path) -> None:
    source = folder / "rCRS sample.vcf"
    email = f"ada-{secrets.token_hex(3)}@lab.example"
    scientist = Scientist(stack.web_url, email=email, password=secrets.token_urlsafe(12), mail=stack.mail)
    with timeline.step("Write a sample VCF") as seen:
        write_sample(source, records=1200, seed=1)
        seen.append(f"{source.stat().st_size:,} bytes")
    with timeline.step("Sign up") as seen:
        scientist.sign_up()
        seen.append(email)
    with timeline.step("Verification mail followed"):
        scientist.verify()
    with timeline.step("Sign in"):
        scientist.session.cookies.clear()
        scientist.sign_in()
    with timeline.step("Ask for an upload") as seen:
        form = scientist.start_upload(source.name, source.stat().st_size)
        seen.append(f"job {form['job']}")
    with timeline.step("Upload straight to S3"):
        scientist.send_to_s3(form, source)
    with timeline.step("Confirm"):
        job = scientist.confirm(form)
    _follow(scientist, job, timeline)
    with timeline.step("Summary on the job page") as seen:
        expect(f"MT-{GENE}" in scientist.page(f"/jobs/{job}/"), "the job page does not name the genes that were hit")
        seen.append(f"names MT-{GENE}")
    with timeline.step("Log") as seen:
        log = scientist.download(job, "log").decode()
        expect("bcftools" in log, "the log does not say what ran")
        seen.append(f"{len(log.splitlines())} lines")
    with timeline.step("Download the result") as seen:
        result = scientist.download(job, "vcf")
        consequence = find_consequence(gzip.decompress(result).decode())
        expect(GENE in consequence, f"m.11778G>A came out as {consequence!r}, not in {GENE}")
        seen.append(f"m.11778G>A {consequence}")
    with timeline.step("Index"):
        expect(scientist.download(job, "index")[:2] == b"\x1f\x8b", "the index is not a tabix index")
    with timeline.step("Completion mail") as seen:
        mails = wait_for(lambda: [m for m in stack.mail(email) if job in m["text"]], 30, "the completion mail")
        expect(len(mails) == 1, f"{len(mails)} completion mails came instead of one")
        seen.append(mails[0]["subject"])
    archive_and_restore(stack, scientist, job, result, timeline)
    with timeline.step("Delete"):
        scientist.delete(job)
        wait_for(lambda: not stack.objects(job), 30, "the deletion of the job's objects")


def _follow(scientist: Scientist, job: str, timeline: Timeline) -> None:
    """Wait for the end, a row for each status that was seen."""
    began = time.monotonic()
    seen: dict[str, float] = {}
    stages: dict[str, None] = {}

    def note(status: dict[str, Any]) -> None:
        seen.setdefault(status["status"], time.monotonic())
        if status.get("stage"):
            stages.setdefault(status["stage"])

    with_error = ""
    try:
        last = scientist.wait(job, 120, note)
    except TimeoutError as error:
        raise Broken(f"The job did not end: {error}") from error
    if last["status"] != "COMPLETED":
        failure = last.get("failure") or {}
        with_error = failure.get("message", "")
        raise Broken(f"The job ended as {last['status']}: {with_error}")
    for status, at in seen.items():
        remark = " → ".join(stages) if status == "RUNNING" else ""
        timeline.add(f"Job {status}", began, remark, ended=at)


def find_consequence(vcf: str) -> str:
    """Return the first entry of CSQ of m.11778G>A, "" if there is none."""
    for line in vcf.splitlines():
        columns = line.split("\t")
        if len(columns) > 7 and (columns[1], columns[3], columns[4]) == VARIANT:
            tags = dict(tag.partition("=")[::2] for tag in columns[7].split(";"))
            return tags.get("CSQ", "").partition(",")[0]
    return ""
