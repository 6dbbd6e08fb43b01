"""Free TCP ports on 127.0.0.1."""

import random
import socket

#: Below those that systems lend to outgoing connections (from 32768 on Linux, from 49152 elsewhere): between the choice
#: of a port and its use no connection takes it. At random, so that stacks that start at once choose different ones.
CHOICE = range(20_000, 32_000)
TRIES = 100


def free_port(wanted: int = 0) -> int:
    """`wanted` if it is free, else another one.

    Raises:
        OSError: there is none.
    """
    if wanted and _is_free(wanted):
        return wanted
    chance = random.SystemRandom()
    for port in chance.sample(CHOICE, TRIES):
        if _is_free(port):
            return port
    raise OSError("no free port on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
