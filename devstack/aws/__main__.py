"""python -m devstack.aws --port N: serve until told to stop."""

import argparse
import signal
import sys
from types import FrameType


def main() -> None:
    parser = argparse.ArgumentParser(prog="devstack.aws", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    port = parser.parse_args().port

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    from devstack.aws.server import build_server  # noqa: PLC0415  (moto is slow to import: not for --help)

    server = build_server(port)
    print(f"AWS on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
