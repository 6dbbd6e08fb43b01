"""Annotating small files, and reading what came out, as a scientist's own tools would."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotator.errors import InputError
from annotator.formats.bcftools import Tool
from annotator.reference.pack import Reference, load_reference
from annotator.reference.sample_file import write_sample
from annotator.run.annotate import annotate
from tests.support.small_vcfs import Annotate, Result


@pytest.fixture(scope="session")
def rcrs() -> Reference:
    return load_reference("rCRS")


@pytest.fixture
def run(rcrs: Reference, tmp_path: Path) -> Annotate:
    """Annotate text or bytes; every call gets a folder of its own. Keyword arguments go to annotate."""
    count = 0

    def annotated(content: str | bytes | Path, **arguments: Any) -> Result:
        nonlocal count
        count += 1
        folder = tmp_path / f"out-{count}"
        folder.mkdir()
        source = content if isinstance(content, Path) else tmp_path / f"in-{count}"
        if isinstance(content, str):
            source.write_bytes(content.encode())
        elif isinstance(content, bytes):
            source.write_bytes(content)
        report = annotate(source, folder, **({"reference": rcrs} | arguments))
        lines = gzip.decompress((folder / "annot.vcf.gz").read_bytes()).decode().splitlines()
        result = Result(
            report,
            folder,
            [line for line in lines if line.startswith("#")],
            [line.split("\t") for line in lines if not line.startswith("#")],
        )
        # The promise that holds for every file there is.
        assert report.records_in == report.records_out + report.skipped
        assert len(result.records) == report.records_out
        assert sum(report.summary["skipped_reasons"].values()) == report.skipped
        return result

    return annotated


@pytest.fixture
def refused(run: Annotate, tmp_path: Path) -> Callable[..., InputError]:
    """Annotate what cannot be; gives the error, having checked that it reads well and left its evidence."""

    def refusal(content: str | bytes | Path, **arguments: Any) -> InputError:
        with pytest.raises(InputError) as caught:
            run(content, **arguments)
        error = caught.value
        folder = max(tmp_path.glob("out-*"), key=lambda path: int(path.name[4:]))
        assert [path.name for path in folder.iterdir()] == ["log.txt"]
        log = (folder / "log.txt").read_text(encoding="utf-8")
        assert error.message in log
        assert error.advice in log
        for sentence in (error.message, error.advice):
            assert sentence[0].isupper() or sentence.startswith("bcftools")
            assert sentence.endswith(".")
            assert "\n" not in sentence
        return error

    return refusal


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real VCF of 1,200 records."""
    path = tmp_path_factory.mktemp("sample") / "sample.vcf"
    write_sample(path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def bcf(sample: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same as BCF."""
    folder = tmp_path_factory.mktemp("bcf")
    (folder / "sample.vcf").write_bytes(sample)
    tool = Tool(
        "view",
        ["-Ob", "-o", folder / "sample.bcf", folder / "sample.vcf"],
        work_dir=folder,
        memory_bytes=1024**3,
        cpu_seconds=60,
    )
    tool.process.wait()
    failure = tool.failure()
    tool.close()
    assert failure is None
    return (folder / "sample.bcf").read_bytes()
