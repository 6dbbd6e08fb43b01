"""The child's side of `annotator.run.process.child`, run as a script: `child_main.py serve SOCKET`.

The process loads the annotator and forks for each request (see `annotator.formats.launcher.serve`). Each fork does the
slow preparations, reads one piece of work from stdin, does it, writes the answer to stdout, and ends. The process has
no threads before it forks. Polars starts threads when it is imported, so the fork imports it.
"""

import contextlib
import errno
import gc
import json
import os
import pickle
import resource
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from annotator.errors import EngineError, InputError
from annotator.formats import bcftools
from annotator.formats.launcher import serve
from annotator.reference.pack import load_reference
from annotator.reference.sample_file import write_sample
from annotator.run.annotate import annotate
from annotator.run.columnar import plain  # noqa: F401 - loads all of Numba's part
from annotator.run.columnar.compiled import load_kept
from annotator.run.options import Progress
from annotator.run.process import work  # noqa: F401 - loaded for the forks

#: Address space allowed in addition to the memory limit, because not all reserved memory is used.
RESERVE_BYTES = 512 * 1024**2
#: Makes the kernel's OOM killer choose this process before the worker.
OOM_SCORE = 800


def main() -> NoReturn:
    """Load the annotator, serve forks, and do the work of one in each fork."""
    load_kept()
    _warm_up()
    gc.collect()
    gc.freeze()
    if serve(socket.socket(fileno=int(sys.argv[2]))) is None:
        os._exit(0)
    parent = _Parent()
    _ready(parent)
    request = sys.stdin.buffer.read()
    if request:
        parent.say(**_answer(request, parent))
    os._exit(0)  # a regular exit of the interpreter takes longer than a small job


def _warm_up() -> None:
    """Annotate one record, so that forks have everything loaded that small files need. This leaves no thread behind."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "sample.vcf"
        write_sample(source, records=1)
        annotate(source, Path(folder), reference=load_reference("rCRS"))
    bcftools.SERVER.stop()


class _Parent:
    """The parent process, which reads this process's messages."""

    def __init__(self) -> None:
        self._pipe = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # keep library output out of the answer
        self._lock = Lock()

    def say(self, **message: Any) -> None:
        """Send a message as one line of JSON."""
        with self._lock:
            self._pipe.write(json.dumps(message).encode() + b"\n")
            self._pipe.flush()

    def tell(self, progress: Progress) -> None:
        self.say(progress=[progress.stage, progress.records])


def _ready(parent: _Parent) -> None:
    """Do everything that can be done before the work arrives."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    bcftools.SERVER.on_fork = lambda pid: parent.say(tool=pid)
    bcftools.SERVER.on_end = lambda pid: parent.say(ended=pid)
    bcftools.SERVER.prepare()
    from annotator.tables import files  # noqa: F401, PLC0415 - Polars


def _answer(request: bytes, parent: _Parent) -> dict[str, Any]:
    try:
        function, arguments, folder, memory_bytes = pickle.loads(request)  # noqa: S301 - of the parent alone
        tempfile.tempdir = folder
        memory = memory_bytes + RESERVE_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return {"result": function(**arguments, tell=parent.tell)}
    except InputError as error:
        return {"input_error": error.__reduce__()[1]}
    except EngineError as error:
        return {"no_memory": True} if error.code == "tool-memory" else {"engine_error": error.__reduce__()[1]}
    except MemoryError:
        return {"no_memory": True}
    except OSError as error:
        traceback.print_exc()
        return {"os_error": [error.errno or errno.EIO, error.strerror or str(error)]}
    except BaseException as error:
        traceback.print_exc()
        return {"crash": repr(error)}


if __name__ == "__main__":
    main()
