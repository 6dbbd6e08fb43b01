"""This Stripe as a Flask application, and as a threaded server on 127.0.0.1."""

from datetime import UTC, datetime

from flask import Flask, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devstack.stripe.api import build_api
from devstack.stripe.control import build_control
from devstack.stripe.pages import build_pages
from devstack.stripe.service import Service

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


class Handler(WSGIRequestHandler):
    """Without a line of log for every call; errors are still logged."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def money(amount: int, currency: str) -> str:
    """From the currency's smallest unit: $29.00."""
    text = f"{amount / 100:.2f}"
    return f"{_SIGNS[currency]}{text}" if currency in _SIGNS else f"{text} {currency.upper()}"


def moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %B %Y, %H:%M UTC}".lstrip("0")


def build_app(service: Service) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.jinja_env.filters |= {"money": money, "moment": moment}
    for part in (build_api(service), build_pages(service), build_control(service)):
        app.register_blueprint(part)

    @app.after_request
    def harden(answer: Response) -> Response:
        if answer.mimetype == "text/html":
            answer.headers["Content-Security-Policy"] = (
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
            )
            answer.headers["Cache-Control"] = "no-store"
            answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    return app


def build_server(service: Service, port: int) -> BaseWSGIServer:
    """A server bound to 127.0.0.1, not yet serving, with its webhooks and clock running; port 0 takes a free one."""
    server = make_server("127.0.0.1", port, build_app(service), threaded=True, request_handler=Handler)
    service.billing.base = f"http://127.0.0.1:{server.server_port}"
    service.start()
    return server
