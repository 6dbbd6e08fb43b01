"""Upload a file in parts: several at a time, each with its SHA-256, resumed where an earlier try ended.

The requests to the service are sent by the calling thread; other threads hash parts and send them to the storage.
Parts are read from the file piece by piece, so memory does not grow with the file.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

import httpx2

from gas_client.api import TRIES, Api, pause_before, unreachable
from gas_client.errors import Exit, Failed
from gas_client.unfinished import Entry, Source

#: Parts that are sent at the same time.
PARALLEL: Final = 4
_PIECE: Final = 256 * 1024

#: Called with the bytes of a part that has arrived.
Progress = Callable[[int], None]


def submit(api: Api, source: Source, entry: Entry, progress: Progress) -> dict[str, Any]:
    """Bring a file to the service, and return its job. What an earlier command has done is not done again.

    Raises:
        Failed: the service refused or does not answer, or the file has changed meanwhile.
    """
    opened = _reopen(api, entry) if entry.job else None
    if opened is None:
        asked = {"name": source.path.name, "size": source.size, "reference": source.reference, "in_parts": True}
        opened = api.post("uploads", asked, key=entry.key)
        entry.job = opened["job"]
        opened = _reopen(api, entry)  # the answer to a repeated request may be old: the upload may have ended
        if opened is None:
            return submit(api, source, entry, progress)
    if "status" not in opened:
        _Sender(api, source, opened, progress).send()
        if source.changed:
            api.delete(f"uploads/{entry.job}")
            entry.remove()
            raise Failed(Exit.FAILED, f"{source.path} changed while it was uploaded. Submit it again.", "file-changed")
        opened = api.post(f"uploads/{entry.job}/confirm")
    return opened


def _reopen(api: Api, entry: Entry) -> dict[str, Any] | None:
    """Return the upload that waits for its file, or the job if the file has arrived; None if it has ended without."""
    try:
        job = api.get(f"jobs/{entry.job}")
        if job["status"] == "UPLOADING":
            return api.get(f"uploads/{entry.job}")
        if job["input_size"] is not None:
            return job
    except Failed as failed:
        if failed.kind not in {"not-found", "upload-refused"}:
            raise
    entry.begin_again()
    return None


class _Sender:
    """Sends the parts that have not arrived.

    Args:
        api: the service.
        source: the file.
        opened: the upload as the service describes it.
        progress: called with the bytes of each part that has arrived.
    """

    def __init__(self, api: Api, source: Source, opened: dict[str, Any], progress: Progress) -> None:
        self.api, self.source, self.progress = api, source, progress
        self.job, self.part_size, self.count = opened["job"], opened["parts"]["size"], opened["parts"]["count"]
        self.digests: dict[int, str] = {}
        self.arrived: set[int] = set()

    def send(self) -> None:
        """Send parts until all have arrived or the file has changed. Only tries that bring no part are counted."""
        fruitless = 0
        with ThreadPoolExecutor(PARALLEL) as senders, ThreadPoolExecutor(PARALLEL) as hashers:
            while missing := self._missing(hashers):
                before = len(self.arrived)
                self._round(missing, senders, hashers)
                if len(self.arrived) == self.count or self.source.changed:
                    return
                fruitless = fruitless + 1 if len(self.arrived) == before else 0
                if fruitless >= TRIES:
                    raise unreachable("The storage of the service")
                self.api.sleep(pause_before(fruitless))

    def _missing(self, hashers: ThreadPoolExecutor) -> list[int]:
        """Ask which parts the storage has. One with other bytes than the file's is sent again."""
        there = {one["number"]: one["sha256"] for one in self.api.get(f"uploads/{self.job}/parts")["items"]}
        self._hash(hashers, sorted(there.keys() - self.digests.keys()))
        for number, sha256 in there.items():
            if self.digests[number] == sha256:
                self._note(number)
        return [number for number in range(1, self.count + 1) if number not in self.arrived]

    def _round(self, missing: list[int], senders: ThreadPoolExecutor, hashers: ThreadPoolExecutor) -> None:
        """Send each part once. Parts are hashed while those before them are sent."""
        running: set[Future[int]] = set()
        for first in range(0, len(missing), PARALLEL):
            numbers = missing[first : first + PARALLEL]
            self._hash(hashers, numbers)
            running = self._collect(running, leave=PARALLEL)
            parts = [{"number": number, "sha256": self.digests[number]} for number in numbers]
            for address in self.api.post(f"uploads/{self.job}/parts", {"parts": parts})["items"]:
                running.add(senders.submit(self._put, address))
        self._collect(running, leave=0)

    def _collect(self, running: set[Future[int]], *, leave: int) -> set[Future[int]]:
        while len(running) > leave:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for number in [future.result() for future in done]:
                if number:
                    self._note(number)
        return running

    def _note(self, number: int) -> None:
        if number not in self.arrived:
            self.arrived.add(number)
            self.progress(self._length(number))

    def _hash(self, hashers: ThreadPoolExecutor, numbers: list[int]) -> None:
        wanted = [number for number in numbers if number not in self.digests]
        self.digests.update(zip(wanted, hashers.map(self._sha256, wanted), strict=True))

    def _sha256(self, number: int) -> str:
        digest = hashlib.sha256()
        for piece in self._pieces(number):
            digest.update(piece)
        return digest.hexdigest()

    def _put(self, address: dict[str, Any]) -> int:
        """Send one part. Returns its number, or 0 if it has not arrived: an address may have expired meanwhile."""
        number = address["number"]
        headers = {**address["headers"], "Content-Length": str(self._length(number))}
        try:
            answer = self.api.storage.put(address["url"], content=self._pieces(number), headers=headers)
        except httpx2.TransportError:
            return 0
        return number if answer.is_success else 0

    def _length(self, number: int) -> int:
        return int(min(self.part_size, self.source.size - (number - 1) * self.part_size))

    def _pieces(self, number: int) -> Iterator[bytes]:
        left = self._length(number)
        with self.source.path.open("rb") as file:
            file.seek((number - 1) * self.part_size)
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
