"""A sign-in provider on loopback, in a process of its own, which holds its clients to PKCE.

`python -m tests.gas.users.provider PORT` runs one.
"""

import base64
import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import requests

from devstack.processes.ports import free_port
from tests.support.waiting import wait_until


class Provider:
    def __init__(self, url: str) -> None:
        self.url = url

    def person(self, sub: str, **claims: Any) -> str:
        """Somebody who may sign in there as `sub`, and about whom the provider says `claims`."""
        requests.put(f"{self.url}/users/{sub}", json=claims, timeout=10).raise_for_status()
        return sub

    def consent(self, address: str, sub: str) -> str:
        """What the person's browser does there; returns the address that it is sent back to."""
        answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=5).ok
        except requests.ConnectionError:
            return False


@contextmanager
def provider() -> Iterator[Provider]:
    """Runs while the block does."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", __name__, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        made = Provider(f"http://127.0.0.1:{port}")
        wait_until(made.answers)
        yield made
    finally:
        process.kill()
        process.wait()


def strict(app: Any) -> Any:
    """`app`, which does not look at PKCE itself: no code without a challenge, and no token without what meets it."""
    challenges: set[str] = set()

    def heard(environ: dict[str, Any], start: Any) -> Any:
        refuse = None
        if environ["PATH_INFO"] == "/oauth2/authorize":
            query = parse_qs(environ["QUERY_STRING"])
            if query.get("code_challenge_method") != ["S256"]:
                refuse = b"no challenge"
            challenges.update(query.get("code_challenge", []))
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            verifier = parse_qs(body.decode()).get("code_verifier", [""])[0]
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
            if digest.rstrip(b"=").decode() not in challenges:
                refuse = b"the verifier does not meet the challenge"
        if refuse:
            start("400 Bad Request", [("Content-Type", "text/plain")])
            return [refuse]
        return app(environ, start)

    return heard


if __name__ == "__main__":
    import oidc_provider_mock
    import werkzeug.serving

    served = strict(oidc_provider_mock.app())
    werkzeug.serving.make_server("127.0.0.1", int(sys.argv[1]), served, threaded=True).serve_forever()
