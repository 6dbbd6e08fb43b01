"""A web server on loopback for a folder of files, which can do everything that real ones do wrong."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Behaviour:
    """What the server does to files whose path ends in the key ("" for every file)."""

    ranges: bool = True
    validators: bool = True
    length: bool = True
    conditions: bool = True  # If-Range is understood
    #: Of the body of each answer, how many bytes are sent before the connection is cut; the last holds for the rest.
    cut_after: list[int] = field(default_factory=list)
    #: Answers with these statuses come first.
    statuses: list[int] = field(default_factory=list)


@dataclass
class Server:
    url: str
    folder: Path
    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    #: (path, its Range header or "", status) of every request.
    requests: list[tuple[str, str, int]] = field(default_factory=list)

    def of(self, path: str) -> Behaviour:
        return next((self.behaviour[end] for end in self.behaviour if path.endswith(end)), Behaviour())

    def asked(self, end: str) -> list[tuple[str, int]]:
        return [(ranged, status) for path, ranged, status in self.requests if path.endswith(end)]


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server = Server(f"http://127.0.0.1:{httpd.server_address[1]}", folder)
    httpd.gas = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server: Server = self.server.gas  # type: ignore[attr-defined]
        path = unquote(self.path)
        how = server.of(path)
        wanted = self.headers.get("Range", "")
        if how.statuses:
            self._empty(server, path, wanted, how.statuses.pop(0))
            return
        file = server.folder / path.lstrip("/")
        if not file.is_file():
            self._empty(server, path, wanted, 404)
            return
        content = file.read_bytes()
        etag = f'"{file.stat().st_mtime_ns:x}-{len(content):x}"'
        start = 0
        if how.ranges and (found := re.fullmatch(r"bytes=(\d+)-", wanted)):
            condition = self.headers.get("If-Range")
            if condition in {None, etag} or not how.conditions:
                start = int(found[1])
        if start and start >= len(content):
            self._empty(server, path, wanted, 416, ("Content-Range", f"bytes */{len(content)}"))
            return
        status = 206 if start else 200
        server.requests.append((path, wanted, status))
        self.send_response(status)
        if how.validators:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", formatdate(file.stat().st_mtime, usegmt=True))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        if how.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = True
        cut = (how.cut_after.pop(0) if len(how.cut_after) > 1 else how.cut_after[0]) if how.cut_after else len(body)
        with suppress(ConnectionError):  # who asked has gone
            self.wfile.write(body[:cut])

    def _empty(self, server: Server, path: str, wanted: str, status: int, *headers: tuple[str, str]) -> None:
        server.requests.append((path, wanted, status))
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
