"""Run one bcftools command in this process: the child's side of `annotator.bcftools`.

Run as a script, never imported by the parent. Usage: launcher.py MEMORY_BYTES CPU_SECONDS COMMAND [ARG...]
It streams stdin to stdout. bcftools' messages come out on stderr once the command has ended, because pysam collects
them in a file under TMPDIR. Exit status: bcftools' own (modulo 256), or 70 when it could not be started.
"""

import importlib.util
import resource
import sys
import types

CANNOT_START = 70


def main(argv: list[str]) -> int:
    """Limit this process, then hand the arguments to bcftools."""
    memory, cpu, command, *arguments = argv
    # The limits hold for this process alone; they are set here and not in a pre-exec hook of the parent, which is
    # not safe in a program with threads.
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    # An empty stand-in for the package: its own __init__ would load all of pysam, at three times the start-up.
    spec = importlib.util.find_spec("pysam")
    if spec is None or not spec.submodule_search_locations:
        return CANNOT_START
    package = types.ModuleType("pysam")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["pysam"] = package
    from pysam.libcutils import _pysam_dispatch  # noqa: PLC0415

    # False leaves -o to the command, None lets it stream to stdout.
    writes_file = "-o" in arguments or command == "index"
    streams = False if writes_file else None
    status, messages, _ = _pysam_dispatch("bcftools", command, arguments, catch_stdout=streams)  # type: ignore[arg-type]
    sys.stderr.write(messages if isinstance(messages, str) else messages.decode("utf-8", "replace"))
    return int(status) & 0xFF


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(CANNOT_START)
    sys.exit(main(sys.argv[1:]))
