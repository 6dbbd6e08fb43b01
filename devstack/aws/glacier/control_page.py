"""/_devstack/glacier: what the vaults and the storage classes hold, and the rules of retrievals.

GET shows them. POST {"advance": seconds} moves time on, for retrievals and what comes of them; any other name is a
rule to change, see `Rules`: {"seconds": {"Standard": 60}, "refuse_expedited": 1}.
"""

import json
from collections.abc import Iterable
from typing import Any

from werkzeug.wsgi import get_input_stream

from devstack.aws.glacier.notices import Teller
from devstack.aws.glacier.storage_classes import ColdStorage
from devstack.aws.glacier.vaults import Vaults
from devstack.aws.wsgi import App, Environ, StartResponse, respond

PATH = "/_devstack/glacier"
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class RetrievalPage:
    def __init__(self, app: App, vaults: Vaults, cold: ColdStorage, teller: Teller) -> None:
        self.app, self.vaults, self.cold, self.teller = app, vaults, cold, teller

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self.app(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            try:
                self.change(json.loads(get_input_stream(environ).read()))
            except (AttributeError, TypeError, ValueError) as error:
                return respond(start_response, 400, json.dumps({"error": str(error)}), _JSON)
        return respond(start_response, 200, json.dumps(self.shown()), _JSON)

    def change(self, wanted: dict[str, Any]) -> None:
        self.vaults.rules.change({name: value for name, value in wanted.items() if name != "advance"})
        if seconds := float(wanted.get("advance", 0)):
            self.vaults.clock.advance(seconds)
            self.teller.tell()

    def shown(self) -> dict[str, Any]:
        """`paid` counts the retrievals that would have been paid for."""
        with self.vaults.lock:
            vaults = {
                vault.name: {
                    "archives": {
                        one.id: {"description": one.description, "size": one.content.size, "tree_hash": one.tree_hash}
                        for one in vault.archives.values()
                    },
                    "uploads": len(vault.uploads),
                    "jobs": len(vault.jobs),
                    "paid": vault.paid,
                }
                for vault in self.vaults.vaults.values()
            }
        return {"rules": self.vaults.rules.shown(), "vaults": vaults, "class": {"paid": self.cold.paid}}
