"""Findings are the same record by record and in blocks: how many, which are listed, and in what order."""

import json

import pytest

from annotator import bounds
from annotator.preflight import reader
from annotator.run import splitter
from annotator.run.columnar import plain as blocks_plain
from annotator.sources.manifest import Source
from tests.support.generated_runs import Annotate
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate


@pytest.mark.parametrize("columns", [8, None], ids=["without samples", "with samples"])
def test_blocks_find_what_records_find(
    run: Annotate,
    genome: Genome,
    plain: Recipe,
    sources: list[Source],
    monkeypatch: pytest.MonkeyPatch,
    columns: int | None,
) -> None:
    """The list is full before the end, so that what is listed depends on the order of records, of either kind.

    Without samples nearly all records of a block are plain; with samples many are looked at one by one.
    """
    lines = generate(0, genome.sequences, plain).content.split(b"\n")
    content = b"\n".join(line if line[:2] == b"##" else b"\t".join(line.split(b"\t")[:columns]) for line in lines)
    whole = run(content, sources=sources).report.summary["findings"]
    assert whole["alleles"] > 15
    assert whole["omitted"] == 0
    with monkeypatch.context() as patch:
        patch.setattr(bounds, "FINDINGS", whole["alleles"] // 2)
        one_by_one = run(content, sources=sources)
        for module, name, value in (
            (splitter, "HEAD", 0),
            (splitter, "PREVIEW", 0),
            (splitter, "SIZE", 3000),
            (reader, "CHUNK", 3000),
            (blocks_plain, "LEAST", 0),
        ):
            patch.setattr(module, name, value)
        kinds: list[int] = []
        clinical = blocks_plain.Block._clinical

        def counted(block: blocks_plain.Block, *arguments: object) -> object:
            found = clinical(block, *arguments)  # type: ignore[arg-type]
            kinds.append(len(found))
            return found

        patch.setattr(blocks_plain.Block, "_clinical", counted)
        in_blocks = run(content, sources=sources)
    assert sum(kinds) >= 5, "too few findings among the plain records to compare"
    found, expected = in_blocks.report.summary["findings"], one_by_one.report.summary["findings"]
    assert json.dumps(found) == json.dumps(expected)
    assert found["alleles"] == whole["alleles"]
    assert found["omitted"] > 0
    assert found["listed"] == whole["listed"][: len(found["listed"])]
    said = next(used for used in found["used"] if used["name"] == "said")
    assert all(said["significance"][kind] for kind in ("pathogenic", "likely_pathogenic", "conflicting", "benign"))
    assert said["alleles"] == said["significance"]["pathogenic"] + said["significance"]["likely_pathogenic"]
    assert sum(row["count"] for row in found["listed"]) + found["omitted"] == found["alleles"]
