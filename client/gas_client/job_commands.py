"""gas jobs, show, log, cancel, retry, delete and restore."""

from typing import Annotated, Any

import typer

from gas_client import screen
from gas_client.errors import Exit, Failed
from gas_client.session import AsJson, JobId, JobIds, session_of
from gas_client.waiting import ENDED, events, sentence


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("jobs", _jobs),
        ("show", _show),
        ("log", _log),
        ("cancel", _cancel),
        ("retry", _retry),
        ("delete", _delete),
        ("restore", _restore),
    ):
        app.command(name)(command)


def _jobs(
    context: typer.Context,
    *,
    status: Annotated[str, typer.Option(help="Jobs or results in this state, such as RUNNING or ARCHIVED.")] = "",
    name: Annotated[str, typer.Option(help="Jobs whose file name contains this text.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The maximum of jobs.")] = 25,
    as_json: AsJson = False,
) -> None:
    """List jobs, the latest first."""
    found: list[dict[str, Any]] = []
    with session_of(context).api() as api:
        for job in api.items("jobs", q=name, status=status.upper(), limit=min(limit, 200)):
            found.append(job)
            if len(found) == limit:
                break
    if as_json:
        screen.dump(found)
        return
    rows = [[job["id"], job["name"], job["reference"], _state(job), job["created_at"]] for job in found]
    screen.table(rows, ["id", "name", "reference", "status", "created"])


def _state(job: dict[str, Any]) -> str:
    """Return the status of a job, and where its result is unless it is at hand."""
    result = job["result"]
    return f"{job['status']} {result['state']}" if result and result["state"] != "AVAILABLE" else str(job["status"])


def _show(context: typer.Context, job: JobId, *, as_json: AsJson = False) -> None:
    """Show a job."""
    with session_of(context).api() as api:
        found = api.get(f"jobs/{job}")
    if as_json:
        screen.dump(found)
        return
    screen.line(f"{found['name']} on {found['reference']}: {sentence(found)}")
    for name in ("created_at", "submitted_at", "started_at", "finished_at"):
        if found[name]:
            screen.line(f"{name.removesuffix('_at')}: {found[name]}")
    if result := found["result"]:
        screen.line(f"result: {result['state'].lower()}, {result['size']:,} bytes, SHA-256 {result['sha256']}")


def _log(
    context: typer.Context,
    job: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the job until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the log of a job. A job has one once it has ended; until then, --follow prints what happens."""
    with session_of(context).api() as api:
        if follow:
            for event in events(api, job):
                screen.say(f"{event['at']} {event['message']}")
        try:
            log = api.get(f"jobs/{job}/log")
        except Failed as failed:
            if failed.kind == "not-found" and (found := api.get(f"jobs/{job}"))["status"] not in ENDED:
                raise Failed(Exit.FAILED, f"This job has no log yet: {sentence(found)}. Use --follow.") from failed
            raise
    if as_json:
        screen.dump(log)
        return
    for line in log["text"].splitlines():
        screen.line(line)
    if log["truncated"]:
        screen.say(f"This is the beginning. The whole log: gas download {job} --kind log")


def _cancel(context: typer.Context, jobs: JobIds, *, as_json: AsJson = False) -> None:
    """Cancel jobs."""
    _each(context, jobs, "cancel", as_json=as_json)


def _retry(context: typer.Context, jobs: JobIds, *, as_json: AsJson = False) -> None:
    """Try failed or cancelled jobs again."""
    _each(context, jobs, "retry", as_json=as_json)


def _each(context: typer.Context, jobs: list[str], action: str, *, as_json: bool) -> None:
    with session_of(context).api() as api:
        found = [api.post(f"jobs/{job}/{action}") for job in jobs]
    if as_json:
        screen.dump(found)
        return
    for job in found:
        screen.line(f"{job['name']}: {sentence(job)}")


def _delete(
    context: typer.Context,
    jobs: JobIds,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete jobs and their files for good, archived copies included."""
    if not yes:
        if not screen.on_terminal():
            raise Failed(Exit.USAGE, "Without a terminal nobody can be asked: add --yes to delete for good.")
        typer.confirm(f"Delete {len(jobs)} job{'s' * (len(jobs) > 1)} and all files for good?", abort=True, err=True)
    with session_of(context).api() as api:
        for job in jobs:
            api.delete(f"jobs/{job}")
    if as_json:
        screen.dump({"deleted": jobs})
        return
    for job in jobs:
        screen.line(f"{job}: deleted")


def _restore(
    context: typer.Context,
    jobs: Annotated[list[str] | None, typer.Argument(help="Ids of jobs; all if none is named.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Bring archived results back from the archive."""
    with session_of(context).api() as api:
        found = api.post("restores", {"jobs": jobs or None})
    if as_json:
        screen.dump(found)
        return
    screen.line(f"Restore {found['id']} has begun. gas jobs shows when results are back.")
