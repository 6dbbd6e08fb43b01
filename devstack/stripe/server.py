"""This Stripe as a Flask application, and as a threaded server on 127.0.0.1."""

from datetime import UTC, datetime

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devstack.stripe.api import build_api
from devstack.stripe.billing import Billing
from devstack.stripe.control import build_control
from devstack.stripe.pages import build_pages


class _QuietHandler(WSGIRequestHandler):
    """Logs errors, and not every call."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %B %Y, %H:%M UTC}".lstrip("0")


def build_server(billing: Billing, port: int) -> BaseWSGIServer:
    """Return a server bound to 127.0.0.1 that does not serve yet, and start its webhooks. Port 0 takes a free one."""
    app = Flask(__name__, static_folder=None)
    app.jinja_env.filters |= {"dollars": lambda cents: f"${cents / 100:.2f}", "moment": _moment}
    for part in (build_api(billing), build_pages(billing), build_control(billing)):
        app.register_blueprint(part)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
    billing.base = f"http://127.0.0.1:{server.server_port}"
    billing.webhooks.start()
    return server
