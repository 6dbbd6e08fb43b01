"""Our own pages in front of the embedded AWS, under /_devstack/: health, faults, and the mailbox."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from urllib.parse import parse_qs

from werkzeug.wsgi import get_input_stream

from devstack.aws.faults import Faults
from devstack.aws.mailbox import Mail, Mailbox
from devstack.aws.wsgi import App, Environ, StartResponse, respond

PREFIX = "/_devstack/"
_HTML = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data: https:",
    "Cache-Control": "no-store",
}
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
ul { list-style: none; padding: 0 } li { border-top: 1px solid color-mix(in srgb, currentcolor 20%, transparent) }
li a { display: block; padding: .6rem 0; text-decoration: none; color: inherit } li a:hover b { color: #0d6efd }
small { opacity: .7 } pre { white-space: pre-wrap; overflow-wrap: anywhere }
iframe { width: 100%; height: 32rem; border: 1px solid #8886; border-radius: .4rem; background: #fff }
"""


class Control:
    def __init__(self, app: App, faults: Faults, mailbox: Mailbox) -> None:
        self.app, self.faults, self.mailbox = app, faults, mailbox

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        own = path.startswith((PREFIX, "/moto-api/"))
        if own and method not in {"GET", "HEAD"} and "HTTP_ORIGIN" in environ:
            return respond(start_response, 403, "These pages take no orders from a browser.")
        name = path.removeprefix(PREFIX)
        if not path.startswith(PREFIX) or name == "glacier":  # which is the next layer's
            return self.app(environ, start_response)
        if name == "faults":
            return self._faults(environ, start_response)
        if name == "mail.json":
            to = parse_qs(environ.get("QUERY_STRING", "")).get("to", [""])[0]
            return respond(start_response, 200, json.dumps([asdict(mail) for mail in self.mailbox.mails(to)]), _JSON)
        return self._page(name, method, start_response)

    def _page(self, name: str, method: str, start_response: StartResponse) -> Iterable[bytes]:
        if name == "health":
            return respond(start_response, 200, '{"ok": true}', _JSON)
        if name in {"mail", "mail/"}:
            return respond(start_response, 200, list_page(self.mailbox.mails()), _HTML)
        number = name.removeprefix("mail/").rstrip("/")
        mail = self.mailbox.mail(int(number)) if number.isdecimal() else None
        if mail is None:
            return respond(start_response, 404, "There is no such page.", {"Content-Type": "text/plain"})
        if method == "DELETE":
            self.mailbox.delete(mail.id)
            return respond(start_response, 204, "")
        return respond(start_response, 200, mail_page(mail), _HTML)

    def _faults(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "DELETE":
            self.faults.set([])
        elif method == "POST":
            try:
                wanted = json.loads(get_input_stream(environ).read())
                self.faults.set(wanted["rules"], int(wanted.get("seed", 0)))
            except (KeyError, TypeError, ValueError) as error:
                return respond(start_response, 400, json.dumps({"error": str(error)}), _JSON)
        return respond(start_response, 200, json.dumps({"rules": self.faults.state()}), _JSON)


def list_page(mails: list[Mail]) -> str:
    items = "".join(
        f'<li><a href="/_devstack/mail/{mail.id}"><b>{escape(mail.subject or "(no subject)")}</b><br>'
        f"<small>{escape(', '.join(mail.to))} · {_when(mail)}</small></a></li>"
        for mail in mails
    )
    return _page("Mailbox", f"<ul>{items}</ul>" if items else "<p>No mail has been sent yet.</p>")


def mail_page(mail: Mail) -> str:
    parts = (
        f'<p><a href="/_devstack/mail/">All mail</a></p><p><small>From {escape(mail.sender)}<br>'
        f"To {escape(', '.join(mail.to))}<br>{_when(mail)}</small></p>"
    )
    if mail.html:
        # Sandboxed: no scripts; links open in a page of their own.
        framed = escape(f'<base target="_blank">{mail.html}')
        parts += (
            '<iframe title="The message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" '
            f'srcdoc="{framed}"></iframe>'
        )
    if mail.text:
        parts += f"<h2>As text</h2><pre>{_linked(mail.text)}</pre>"
    return _page(mail.subject or "(no subject)", parts)


def _linked(text: str) -> str:
    def link(word: str) -> str:
        shown = escape(word)
        return f'<a href="{shown}">{shown}</a>' if word.startswith(("http://", "https://")) else shown

    lines = (" ".join(link(word) for word in line.split(" ")) for line in text.splitlines())
    return "\n".join(lines)


def _when(mail: Mail) -> str:
    return f"{mail.at[:10]} {mail.at[11:19]} UTC"


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
