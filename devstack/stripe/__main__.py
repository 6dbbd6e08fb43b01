"""python -m devstack.stripe --port N: serve until told to stop."""

import argparse
import signal
import sys
from types import FrameType

from devstack.stripe.server import build_server
from devstack.stripe.service import PERIOD_SECONDS, build_service
from devstack.stripe.webhooks import FIRST_PAUSE_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="devstack.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--period-seconds", type=int, default=PERIOD_SECONDS, help="of a subscription; 30 days")
    parser.add_argument(
        "--retry-seconds",
        type=float,
        default=FIRST_PAUSE_SECONDS,
        help="before a webhook's second attempt",
    )
    options = parser.parse_args()

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    service = build_service(period_seconds=options.period_seconds, first_pause=options.retry_seconds)
    server = build_server(service, options.port)
    print(f"Stripe on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
