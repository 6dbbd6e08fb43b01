"""What a page of the explorer costs as a result grows, over HTTP, next to SQLite and `bcftools view -i`.

`python -m bench.explorer [10000 100000 1000000 5000000] [--folder FOLDER]` makes a result of each size: a trio, genes,
frequencies and clinical significance, sorted. The VCF is the source of everything; its tables are made as the service
makes them. The web server is the service's own. A page has 50 rows, sorted by quality, the count and all facets.

- new: a filter that nobody asked before. again: the same page once more.
- SQLite has the same columns with indexes, and answers the same page and facets; bcftools writes the records.
- cold: the first page of a new process, with no part of the files in the system's memory.
- at once: 20 people, each with one request after the other.

Processor time is the server's, for each request: on a machine that does other work wall times say little.
It exits with 1 and names the bars that do not hold. In FOLDER results are kept for another run.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.tables import PARQUET, write
from bench import explorer_data as data
from bench.explorer_site import Browser, Site

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
#: Sizes from which on the bars are for.
LARGE = 1_000_000
#: Bars: milliseconds of a page, of the first page of a process, and of one in twenty of 20 people; MB of the server.
WARM_MS, COLD_MS, CROWD_MS, MEMORY_MB = 100, 1000, 500, 600
ROUNDS, PEOPLE, REQUESTS = 9, 20, 12


@dataclass
class Bars:
    """Which bars do not hold, in words."""

    broken: list[str]

    def check(self, what: str, value: float, most: float) -> None:
        if value > most:
            self.broken.append(f"{what}: {value:,.0f}, at most {most:,}")


def timed(question: Callable[..., Any], *arguments: Any) -> float:
    """Return the milliseconds of a call."""
    start = time.perf_counter()
    question(*arguments)
    return (time.perf_counter() - start) * 1000


def result(folder: Path, alleles: int) -> Path:
    """Make a result, unless it is there; return its VCF."""
    folder.mkdir(exist_ok=True)
    vcf = folder / "annot.vcf.gz"
    if not (folder / PARQUET).exists():
        data.make(folder, alleles)
        write(vcf, folder).tsv.unlink()
    return vcf


def compare(site: Site, alleles: int, vcf: Path, bars: Bars, longest: int) -> None:
    """Print a line for each question, asked of everybody."""
    browser, job, dice = site.browser(), site.jobs[alleles], random.Random(alleles)  # noqa: S311
    rows = site.rows(alleles)
    connection = data.sqlite(vcf.parent, rows)
    print(f"\n{alleles:,} alleles: ", end="")
    sizes = {"VCF": vcf, "Parquet": vcf.parent / PARQUET, "DuckDB": rows, "SQLite": vcf.parent / data.SQLITE}
    print(", ".join(f"{name} {path.stat().st_size / 1e6:,.1f} MB" for name, path in sizes.items()))
    print("| question | matches | new, ms | processor | again, ms | processor | SQLite, ms | bcftools, ms |")
    print("|---|---|---|---|---|---|---|---|")
    rounds = [data.questions(dice) for _ in range(ROUNDS + 1)]
    warm = []
    for number, first in enumerate(rounds[0]):
        query = f"{first.parameters}&sort=-qual"
        total = browser.variants(job, query)  # reads the columns from the disk
        asked = [f"{one[number].parameters}&sort=-qual" for one in rounds[1:]]
        new, new_cpu = _series(site, browser, job, asked)
        again, again_cpu = _series(site, browser, job, [query] * ROUNDS)
        warm += new
        others = [_in_sqlite(connection, first, total, longest), _in_bcftools(vcf, first, total, longest)]
        numbers = (statistics.median(new), new_cpu, statistics.median(again), again_cpu)
        cells = [f"{one:,.0f}" for one in numbers] + others
        print(f"| {first.name} | {total:,} | {' | '.join(cells)} |", flush=True)
    connection.close()
    if alleles >= LARGE:
        bars.check(f"{alleles:,} alleles, median of new pages, ms", statistics.median(warm), WARM_MS)


def _series(site: Site, browser: Browser, job: str, queries: list[str]) -> tuple[list[float], float]:
    """Return the milliseconds of each page, and the server's processor milliseconds for one."""
    before = site.cpu()
    took = [timed(browser.variants, job, one) for one in queries]
    return took, (site.cpu() - before) * 1000 / len(queries)


def _in_sqlite(connection: Any, question: data.Question, total: int, longest: int) -> str:
    limit = time.monotonic() + longest
    connection.set_progress_handler(lambda: time.monotonic() > limit, 10_000)

    def ask() -> None:
        sql = question.sql
        assert connection.execute(f"SELECT count(*) FROM variants WHERE {sql}").fetchone() == (total,)  # noqa: S608
        connection.execute(
            f"SELECT * FROM variants WHERE {sql} ORDER BY qual DESC, row_number LIMIT 51"  # noqa: S608
        ).fetchall()
        for column in ("consequence", "impact", "type", "significance", "contig", "gene"):
            connection.execute(
                f"SELECT {column}, count(*) AS n FROM variants WHERE {sql} GROUP BY 1 ORDER BY n DESC LIMIT 25"  # noqa: S608
            ).fetchall()

    try:
        return f"{timed(ask):,.0f}"
    except data.Interrupted:
        return f"over {longest * 1000:,}"


def _in_bcftools(vcf: Path, question: data.Question, total: int, longest: int) -> str:
    command = ["bcftools", "view", "-H", "-i", question.bcftools, str(vcf)]

    def ask() -> None:
        with tempfile.TemporaryFile() as out:
            subprocess.run(command, check=True, stdout=out, timeout=longest)
            out.seek(0)
            assert sum(1 for _ in out) == total

    try:
        return f"{timed(ask):,.0f}"
    except subprocess.TimeoutExpired:
        return f"over {longest * 1000:,}"


def cold(site: Site, alleles: int, bars: Bars) -> None:
    """Print how long the first page of a new process takes."""
    took, cpu = [], []
    for seed in range(3):
        site.restart()
        browser = site.browser()
        browser.open(site.jobs[min(site.jobs)])  # has the server's code loaded
        site.forget_files()
        query = f"{data.questions(random.Random(seed))[1].parameters}&sort=-qual"  # noqa: S311
        some, used = _series(site, browser, site.jobs[alleles], [query])
        took += some
        cpu.append(used)
    print(
        f"\n{alleles:,} alleles, first page of a process, files on disk: {statistics.median(took):,.0f} ms, "
        f"{statistics.median(cpu):,.0f} ms of processor time",
        flush=True,
    )
    bars.check(f"{alleles:,} alleles, first page of a process, ms", statistics.median(took), COLD_MS)


def crowd(site: Site, alleles: int, bars: Bars) -> None:
    """Print how long 20 people wait who all ask at once, each for what people click and one in four of their own."""
    job = site.jobs[alleles]

    def person(seed: int) -> list[float]:
        dice, browser = random.Random(seed), site.browser()  # noqa: S311
        asked = [data.typed(dice) if not dice.randrange(4) else data.clicked(dice) for _ in range(REQUESTS)]
        return [timed(browser.variants, job, one) for one in asked]

    before, start = site.cpu(), time.perf_counter()
    with ThreadPoolExecutor(PEOPLE) as pool:
        took = [one for some in pool.map(person, range(PEOPLE)) for one in some]
    seconds, cpu = time.perf_counter() - start, (site.cpu() - before) * 1000 / len(took)
    late = statistics.quantiles(took, n=20)[-1]
    print(
        f"{alleles:,} alleles, {PEOPLE} people at once, {len(took)} requests: "
        f"median {statistics.median(took):,.0f} ms, 95th percentile {late:,.0f} ms, "
        f"{len(took) / seconds:.1f} a second, {cpu:.0f} ms of processor time each",
        flush=True,
    )
    bars.check(f"{alleles:,} alleles, 95th percentile of {PEOPLE} people, ms", late, CROWD_MS)


def memory(site: Site, alleles: int, combinations: int, bars: Bars) -> None:
    """Print the most memory of the server over many random combinations of filters."""
    browser, dice = site.browser(), random.Random(combinations)  # noqa: S311
    before = site.memory()
    queries = [data.typed(dice) for _ in range(combinations)]
    took, cpu = _series(site, browser, site.jobs[alleles], queries)
    print(
        f"{alleles:,} alleles, {combinations:,} random combinations: median {statistics.median(took):,.0f} ms, "
        f"{cpu:.0f} ms of processor time each; most memory {before:,.0f} MB before, {site.memory():,.0f} MB after",
        flush=True,
    )
    bars.check(f"{alleles:,} alleles, memory after {combinations:,} combinations, MB", site.memory(), MEMORY_MB)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> None:
    """Measure each size, then what the bars are for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alleles", nargs="*", type=int, default=SIZES)
    parser.add_argument("--combinations", type=int, default=1000)
    parser.add_argument("--longest", type=int, default=60, help="seconds that SQLite and bcftools have for an answer")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    bars = Bars([])
    with _folder(chosen.folder) as folder, tempfile.TemporaryDirectory(dir=folder) as work:
        vcfs = {alleles: result(folder / str(alleles), alleles) for alleles in chosen.alleles}
        with Site(Path(work) / "site", {alleles: vcf.parent / PARQUET for alleles, vcf in vcfs.items()}) as site:
            site.restart()
            for alleles, job in site.jobs.items():
                print(f"{alleles:,} alleles, opened for the first time in {site.browser().open(job):.1f} s", flush=True)
            for alleles in [one for one in site.jobs if one >= LARGE]:
                cold(site, alleles, bars)
                crowd(site, alleles, bars)
                memory(site, alleles, chosen.combinations, bars)
            for alleles, vcf in vcfs.items():
                compare(site, alleles, vcf, bars, chosen.longest)
    print("Bars that do not hold:", "; ".join(bars.broken) or "none")
    sys.exit(bool(bars.broken))


if __name__ == "__main__":
    main()
