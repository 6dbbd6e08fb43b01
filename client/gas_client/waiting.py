"""Follow jobs until they end."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from gas_client.api import Api

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
#: Seconds between two looks at the same job: few at first, then more.
_PAUSES: Final = (1.0, 2.0, 3.0, 5.0)


def follow(api: Api, job: str, told: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Return a job that has ended. `told` is called with each change until then."""
    etag, looks = "", 0
    while True:
        found, etag = api.poll(f"jobs/{job}", etag)
        if found is not None:
            told(found)
            if found["status"] in ENDED:
                return found
        api.sleep(_PAUSES[min(looks, len(_PAUSES) - 1)])
        looks += 1


def events(api: Api, job: str) -> Iterator[dict[str, Any]]:
    """Yield what happens to a job, the earliest first, until it has ended."""
    seen, ended, etag, looks = 0, False, "", 0
    while True:
        found, etag = api.poll(f"jobs/{job}", etag)
        ended = ended or (found is not None and found["status"] in ENDED)
        if found is not None:
            everything = list(api.items(f"jobs/{job}/events", limit=200))[::-1]
            yield from everything[seen:]
            seen = len(everything)
        if ended:
            return
        api.sleep(_PAUSES[min(looks, len(_PAUSES) - 1)])
        looks += 1


def sentence(job: dict[str, Any]) -> str:
    """Return where a job is, for people."""
    status = str(job["status"]).lower()
    if job["status"] == "PENDING" and job["queue_position"]:
        return f"waiting, number {job['queue_position']} in the queue"
    if job["status"] == "RUNNING":
        done = f", {job['records_done']:,} records" if job["records_done"] else ""
        return f"{job['stage'] or 'running'}{done}"
    if failure := job["failure"]:
        return f"failed. {failure['message']} {failure['advice']}".strip()
    return status
