"""gas download and variants."""

import json
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from gas_client import screen
from gas_client.api import Api
from gas_client.downloads import download
from gas_client.errors import Exit, Failed
from gas_client.session import AsJson, Folder, JobId, session_of

#: Variants that a table on a terminal has.
_SCREENFUL = 50
#: Variants of one request: the maximum that the service gives.
_PAGE = 500


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("download")(_download)
    app.command("variants", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(_variants)


def download_results(
    api: Api, job: str, folder: Path, kinds: list[str] | None = None, *, force: bool = False
) -> list[str]:
    """Download files of a job: those of the kinds, or all but the upload. Returns their paths."""
    sizes = {one["kind"]: one["size"] for one in api.get(f"jobs/{job}/outputs")["items"]}
    paths = []
    for kind in kinds or [kind for kind in sizes if kind != "input"]:
        with screen.progress(kind, sizes.get(kind)) as show:
            paths.append(str(download(api, job, kind, folder, show, force=force)))
        screen.say(f"{paths[-1]}: saved")
    return paths


def _download(
    context: typer.Context,
    job: JobId,
    *,
    folder: Folder = Path(),
    kind: Annotated[
        list[str] | None, typer.Option(help="Files of this kind, such as vcf, tsv or log; all but the upload.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace other files of the same names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Download the files of a job. Their SHA-256 is checked; what has arrived is not sent again."""
    with session_of(context).api() as api:
        paths = download_results(api, job, folder, kind, force=force)
    if not paths:
        raise Failed(Exit.FAILED, "This job has no files to download at the moment.", "not-available")
    if as_json:
        screen.dump(paths)


def _variants(
    context: typer.Context,
    job: JobId,
    *,
    limit: Annotated[int, typer.Option(min=1, help="The maximum of variants; all by default.")] = sys.maxsize,
    filters: Annotated[bool, typer.Option("--filters", help="List the filters of this result.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print values with tabs between them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print variants of a result, filtered as in the explorer: --gene MT-ND4 --impact high. Also --sort, --columns."""
    asked = _parameters(context.args)
    with session_of(context).api() as api:
        if filters:
            _print_filters(api.get(f"jobs/{job}/filters"), as_json=as_json)
            return
        if asked:
            asked = _as_offered(asked, api.get(f"jobs/{job}/filters")["filters"])
        shorten = not (tsv or as_json) and sys.stdout.isatty()
        wanted = min(limit, _SCREENFUL) if shorten else limit
        first = api.get(f"jobs/{job}/variants", limit=min(wanted, _PAGE), **asked)
        rows = islice(_rows(api, job, first, asked), wanted)
        if as_json:
            _print_json(rows)
        elif shorten:
            shown = [[_text(row[name]) for name in first["columns"]] for row in rows]
            screen.table(shown, first["columns"])
            if len(shown) == _SCREENFUL and first["next_cursor"]:
                screen.say(f"These are the first {_SCREENFUL}. --tsv or --json prints all, --limit some.")
        else:
            for values in chain([first["columns"]], ([row[name] for name in first["columns"]] for row in rows)):
                screen.line("\t".join(_text(value) for value in values))


def _rows(api: Api, job: str, page: dict[str, Any], asked: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    while True:
        yield from page["items"]
        if not page["next_cursor"]:
            return
        page = api.get(f"jobs/{job}/variants", limit=_PAGE, cursor=page["next_cursor"], **asked)


def _parameters(words: list[str]) -> dict[str, list[str]]:
    """Return filters by name: of `--gene X`, `--gene=X`, and `--known`, which is `on`."""
    asked: dict[str, list[str]] = {}
    left = iter(words)
    waiting = None
    for word in left:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            waiting = None if equals else name
            asked.setdefault(name, []).extend([value] if equals else [])
        elif waiting is not None:
            asked[waiting].append(word)
            waiting = None
        else:
            raise Failed(Exit.USAGE, f"{word} belongs to no filter. Filters are written as --gene MT-ND4.")
    return {name: values or ["on"] for name, values in asked.items()}


def _as_offered(asked: dict[str, list[str]], filters: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return filters whose values have the case that the service offers: high is HIGH."""
    offered = {one["name"]: {choice.lower(): choice for choice in one["choices"]} for one in filters}
    return {
        name: [offered.get(name, {}).get(value.lower(), value) for value in values] for name, values in asked.items()
    }


def _print_filters(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        screen.dump(found)
        return
    rows = [[f"--{one['name']}", one["label"], " ".join(one["choices"]), one["text"]] for one in found["filters"]]
    screen.table(rows, ["filter", "label", "values", "what it does"])


def _print_json(rows: Iterator[dict[str, Any]]) -> None:
    """Print rows as one JSON array, one row at a time."""
    before = "[\n"
    for row in rows:
        sys.stdout.write(before + json.dumps(row, ensure_ascii=False))
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value).replace("\t", " ").replace("\n", " ")
