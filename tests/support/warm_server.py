"""The warm process of tests.support.warm: run as a script, by an interpreter that finds nothing of this repository.

A request is one message with the launcher's arguments, folder and environment, and four files: 0, 1 and 2 of the
command, and one to answer on, which gets the process's number at once, and its exit status at the end.
"""

import importlib.util
import json
import os
import signal
import socket
import sys
import types
from contextlib import suppress
from typing import Any

REQUEST_BYTES = 64 * 1024


def serve(listening: socket.socket, path: str) -> None:
    """Fork for each request, until the other side has closed its socket."""
    launcher = _load(path)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, files, _, _ = socket.recv_fds(listening, REQUEST_BYTES, 4)
        if not request:
            return
        if os.fork() == 0:
            listening.close()
            _keep(launcher, json.loads(request), files)
        for one in files:
            os.close(one)


def _load(path: str) -> Any:
    """The launcher, and the library that it will ask for, under the stand-in package that it makes itself."""
    spec = importlib.util.spec_from_file_location("launcher", path)
    assert spec is not None
    assert spec.loader is not None
    launcher = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launcher)
    found = importlib.util.find_spec("pysam")
    assert found is not None
    package = types.ModuleType("pysam")
    package.__path__ = list(found.submodule_search_locations or ())
    sys.modules["pysam"] = package
    importlib.import_module("pysam.libcutils")
    del sys.modules["pysam"]  # the launcher looks for it anew
    return launcher


def _keep(launcher: Any, request: dict[str, Any], files: list[int]) -> None:
    """Run the command in a child of this process, and wait for its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer = files[3]
    child = os.fork()
    if child == 0:
        _run(launcher, request, files)
    for one in files[:3]:
        os.close(one)
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        os.write(answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(launcher: Any, request: dict[str, Any], files: list[int]) -> None:
    code = launcher.CANNOT_START
    try:
        os.setsid()
        os.write(files[3], f"{os.getpid()}\n".encode())
        os.close(files[3])
        for number, one in enumerate(files[:3]):
            os.dup2(one, number)
            os.close(one)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        code = launcher.main(request["arguments"])
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
