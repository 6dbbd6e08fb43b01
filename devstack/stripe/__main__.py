"""Serve until stopped: python -m devstack.stripe --port N."""

import argparse

from devstack.stripe.billing import Billing
from devstack.stripe.server import build_server
from devstack.stripe.webhooks import FIRST_PAUSE_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="devstack.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--retry-seconds", type=float, default=FIRST_PAUSE_SECONDS, help="the pause before a webhook's second attempt"
    )
    options = parser.parse_args()
    server = build_server(Billing(first_pause=options.retry_seconds), options.port)
    print(f"Stripe on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
