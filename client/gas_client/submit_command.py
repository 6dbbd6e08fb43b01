"""gas submit: upload files, and follow their jobs if asked."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from gas_client import screen
from gas_client.api import Api
from gas_client.errors import Exit, Failed
from gas_client.result_commands import download_results
from gas_client.session import AsJson, session_of
from gas_client.unfinished import Entry, Source
from gas_client.uploads import submit
from gas_client.waiting import follow, sentence


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit")(_submit)


def _submit(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="VCF files, plain or compressed.", show_default=False)],
    *,
    reference: Annotated[str | None, typer.Option(help="Id of the reference; the service's usual one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the jobs have ended.")] = False,
    download: Annotated[Path | None, typer.Option(help="Wait, and save the results in this folder.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Submit what an interrupted command has submitted, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload files and have them annotated. A command that was interrupted is resumed by the same command."""
    with session_of(context).api() as api:
        reference = reference or _usual_reference(api)
        sources = dict.fromkeys(Source.of(path, reference) for path in files)
        account = _account(api)
        entries = [Entry(api.profile.server, account, source) for source in sources]
        if again:
            for entry in entries:
                entry.begin_again()
        jobs = [job for source, entry in zip(sources, entries, strict=True) if (job := _upload(api, source, entry))]
        if wait or download:
            jobs = [_followed(api, job, download) for job in jobs]
        for entry in entries:
            entry.remove()
    if as_json:
        screen.dump(jobs)
    elif not (wait or download):
        for job in jobs:
            screen.line(job["id"])
    ended_well = (not wait and not download) or all(job["status"] == "COMPLETED" for job in jobs)
    raise typer.Exit(Exit.DONE if ended_well and len(jobs) == len(entries) else Exit.FAILED)


def _usual_reference(api: Api) -> str:
    offered = api.get("references")["items"]
    return next(str(one["id"]) for one in offered if one["default"])


def _account(api: Api) -> str:
    """Return what names the account: its id, or a hash of the token if that may not read the account."""
    try:
        return str(api.get("account")["id"])
    except Failed as failed:
        if failed.kind != "missing-scope":
            raise
        return hashlib.sha256(api.profile.token.encode()).hexdigest()


def _upload(api: Api, source: Source, entry: Entry) -> dict[str, Any] | None:
    """Upload one file, and return its job; None if it is refused: other files may not be."""
    done = 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        show(done)

    try:
        with screen.progress(source.path.name, source.size) as show:
            job = submit(api, source, entry, add)
    except Failed as failed:
        if failed.code not in {Exit.FAILED, Exit.USAGE}:
            raise
        screen.say(f"{source.path.name}: {failed.sentence}")
        return None
    screen.say(f"{source.path.name}: job {job['id']}")
    return job


def _followed(api: Api, job: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    def tell(now: dict[str, Any]) -> None:
        screen.say(f"{now['name']}: {sentence(now)}")

    ended = follow(api, job["id"], tell)
    if folder is not None and ended["status"] == "COMPLETED":
        ended["files"] = download_results(api, ended["id"], folder)
    return ended
