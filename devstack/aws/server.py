"""The embedded AWS as one WSGI application, and as a threaded server on 127.0.0.1."""

import os
from functools import cache
from typing import Any

# Read by moto when it is imported: its wildcard CORS answers would hide what the bucket's rules say.
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from devstack.aws.control import Control
from devstack.aws.faults import Faults
from devstack.aws.glacier.control_page import RetrievalPage
from devstack.aws.glacier.notices import Teller
from devstack.aws.glacier.retrieval import Clock, Rules
from devstack.aws.glacier.storage_classes import ColdStorage
from devstack.aws.glacier.vault_service import Glacier
from devstack.aws.glacier.vaults import Vaults
from devstack.aws.longpoll import LongPoll
from devstack.aws.mailbox import Mailbox
from devstack.aws.s3.cors import Cors
from devstack.aws.s3.guard import Guard
from devstack.aws.wsgi import App, Environ


class Services(DomainDispatcherApplication):
    """moto's services. Which one a host belongs to is found once: moto lists its own folder for each call."""

    def __init__(self) -> None:
        super().__init__(_service)
        self._of_hosts: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._of_hosts:
            self._of_hosts[host] = super().get_backend_for_host(host)
        return self._of_hosts[host]


@cache
def _service(name: Any) -> Any:
    """Return the Flask application of one of moto's services; it holds no state."""
    return create_backend_app(name)


class Handler(MotoRequestHandler):
    """Without a line of log for every call; errors are still logged. A dropped connection is closed."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """A layer raises a ConnectionError to drop the caller: the server would wait for another request."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def build_app() -> App:
    clock, rules = Clock(), Rules()
    cold = ColdStorage(Services(), clock, rules)
    vaults = Vaults(clock, rules)
    teller = Teller(vaults, cold.tell)
    cold.wake = teller.wake
    mailbox = Mailbox(Glacier(cold, vaults, teller))
    faults = Faults(Guard(LongPoll(mailbox)))
    page = RetrievalPage(Cors(faults), vaults, cold, teller)
    return Control(page, faults, mailbox)


def build_server(port: int) -> BaseWSGIServer:
    """Return a server bound to 127.0.0.1, not yet serving; port 0 takes a free one, told by `server_port`."""
    return make_server("127.0.0.1", port, build_app(), threaded=True, request_handler=Handler)
