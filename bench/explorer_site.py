"""A web server of the service with some results on its disk, and a browser that asks it, for the benchmark."""

import hashlib
import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from devstack.processes.environment import Accounts, build_environment
from devstack.processes.ports import free_port
from gas.explorer import native

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that a server has to start, and a page to be there.
PATIENCE = 900
_TOTAL = re.compile(rb'data-total="(\d+)"')


class Site(AbstractContextManager["Site"]):
    """`python -m gas.server` on a database of its own, with a person and a job for each Parquet file.

    Nothing is in S3: the files are where the server looks for its local copies. Start it with `restart`.
    """

    def __init__(self, folder: Path, parquets: Mapping[int, Path]) -> None:
        folder.mkdir()
        self.port, self._copies = free_port(), folder / "copies"
        self._copies.mkdir()
        overrides = {"EXPLORER_CACHE_DIR": str(self._copies), "EXPLORER_QUERY_SECONDS": "60"}
        # Nobody listens at the address of AWS: a page of variants asks AWS for nothing.
        self.environment = build_environment(
            folder, web_port=self.port, aws_port=free_port(), accounts=Accounts(), overrides=overrides
        )
        os.environ.update(self.environment)
        self._parquets = {alleles: _place(parquet, self._copies) for alleles, parquet in parquets.items()}
        self.jobs, self._cookie = _fill(self._parquets)
        self._server: subprocess.Popen[bytes] | None = None

    def restart(self) -> None:
        """Start the server, or end it and start another."""
        self.stop()
        command = [sys.executable, "-m", "gas.server", "--listen", f"127.0.0.1:{self.port}"]
        self._server = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            try:
                self.browser().get("/healthz/")
            except ConnectionError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("the web server did not start")

    def stop(self) -> None:
        """End the server if it runs."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(30)
            self._server = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def rows(self, alleles: int) -> Path:
        """Return the DuckDB file that the server has made of a result."""
        return self._parquets[alleles].with_suffix(native.ENDING)

    def browser(self) -> "Browser":
        """Return a new connection of the person."""
        return Browser(self.port, self._cookie)

    def cpu(self) -> float:
        """Return the processor seconds that the server has used."""
        assert self._server is not None
        fields = Path(f"/proc/{self._server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the most memory that the server has had, in MB."""
        assert self._server is not None
        status = Path(f"/proc/{self._server.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def forget_files(self) -> None:
        """Have the system drop what it keeps in memory of the copies: the next reads are from the disk."""
        for path in self._copies.iterdir():
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Browser:
    """One connection, kept open, as htmx asks over it."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Cookie": cookie, "HX-Request": "true"}

    def get(self, path: str) -> bytes:
        """Return a page. Raises ConnectionError."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, path)
        return body

    def variants(self, job: str, query: str) -> int:
        """Ask for a page of a job's variants, and return how many match."""
        body = self.get(f"/jobs/{job}/variants/?{query}")
        found = _TOTAL.search(body)
        assert found is not None, (query, body[:3000])
        return int(found[1])

    def open(self, job: str) -> float:
        """Ask for a job's variants until they are there, and return after how many seconds they are."""
        start = time.monotonic()
        while not _TOTAL.search(self.get(f"/jobs/{job}/variants/")):
            assert time.monotonic() < start + PATIENCE, "the result was not opened"
            time.sleep(0.2)
        return time.monotonic() - start


def _place(parquet: Path, copies: Path) -> Path:
    """Put a file where the server looks for its copy, and return that. What was made of it before comes along."""
    with parquet.open("rb") as file:
        path = copies / f"{hashlib.file_digest(file, 'sha256').hexdigest()}.parquet"
    os.link(parquet, path)
    if (made := parquet.with_suffix(native.ENDING)).exists():
        os.link(made, path.with_suffix(native.ENDING))
    return path


def _fill(parquets: Mapping[int, Path]) -> tuple[dict[int, str], str]:
    """Make the database. Returns the job of each result, and the cookie of their owner's session."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.conf import settings
    from django.test import Client

    from annotator.tables import schema
    from gas.jobs.models import Job, ResultFile
    from gas.jobs.states import JobStatus
    from gas.users.models import User

    owner = User.objects.create_user(email="bench@gas.example", name="Bench", password=None)
    jobs = {}
    for alleles, parquet in parquets.items():
        job = Job.objects.create(
            owner=owner, name=f"{alleles}.vcf", input_size=1, reference="GRCh38", status=JobStatus.COMPLETED
        )
        sizes: dict[str, Any] = {"size": 1, "tsv_size": 1, "stats_size": 1, "parquet_size": parquet.stat().st_size}
        ResultFile.objects.create(
            job=job,
            key=f"{job.pk}/annot.vcf.gz",
            index_key=f"{job.pk}/annot.vcf.gz.tbi",
            sha256="0" * 64,
            parquet_sha256=parquet.stem,
            parquet_version=schema.VERSION,
            **sizes,
        )
        jobs[alleles] = str(job.pk)
    client = Client()
    client.force_login(owner)
    return jobs, f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
