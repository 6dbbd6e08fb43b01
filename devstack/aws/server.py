"""The embedded AWS as one WSGI application, and as a threaded server on 127.0.0.1."""

import os

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


class Handler(MotoRequestHandler):
    """Without a line of log for every call; errors are still logged. A dropped connection is closed."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """A layer raises a ConnectionError to drop the caller: the server would wait for another request."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def build_app() -> App:
    clock, rules = Clock(), Rules()
    cold = ColdStorage(DomainDispatcherApplication(create_backend_app), clock, rules)
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
