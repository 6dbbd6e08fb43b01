"""A scientist at the keyboard: acts on the site as a person does, through its pages, over HTTP."""

import re
import time
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from devstack.browser import Browser
from devstack.waiting import wait_for

TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
#: As often as a browser's uploader tries when S3 answers 5xx or drops the connection.
TRIES = 6


class Refused(Exception):
    """The site or S3 said no; the message is what it said."""


class Scientist(Browser):
    """One person with one browser session.

    Args:
        web_url: of the site, such as http://127.0.0.1:8000.
        mail: returns the mail sent to an address, newest first, each with `text` (Stack.mail).
    """

    def __init__(
        self,
        web_url: str,
        *,
        email: str,
        password: str,
        mail: Callable[[str], list[dict[str, Any]]] = lambda _: [],
    ) -> None:
        super().__init__()
        self.web_url, self.email, self.password, self._mail = web_url, email, password, mail

    # --- The account

    def sign_up(self) -> None:
        """Fill in the form; a verification mail is sent."""
        self._submit(
            "/accounts/signup/",
            {"email": self.email, "password1": self.password, "password2": self.password},
        )

    def verify(self, seconds: float = 30) -> None:
        """Wait for the verification mail and follow its link. Raises TimeoutError."""
        link = wait_for(self._verification_link, seconds, f"a verification mail to {self.email}")
        self._submit(link, {})

    def _verification_link(self) -> str:
        for mail in self._mail(self.email):
            found = re.search(r"https?://\S+/accounts/confirm-email/\S+", mail["text"])
            if found:
                return found[0]
        return ""

    def sign_in(self) -> None:
        self._submit("/accounts/login/", {"login": self.email, "password": self.password})

    def _submit(self, path: str, fields: Mapping[str, str]) -> requests.Response:
        """Open a page and send its form, with its hidden fields.

        Raises:
            Refused: the page came back, as it does with a mistake in the form.
        """
        page = self._checked(self.session.get(urljoin(self.web_url, path), timeout=30))
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        values = {name: unescape(value) for name, value in hidden.items()} | dict(fields)
        answer = self._checked(
            self.session.post(page.url, data=values, headers={"Referer": page.url}, timeout=30, allow_redirects=False)
        )
        if answer.status_code == 200:
            raise Refused(f"{path}: {_first_error(answer.text)}")
        return self._checked(self.session.get(urljoin(page.url, answer.headers["Location"]), timeout=30))

    # --- Jobs

    def upload(self, path: Path, *, name: str = "", reference: str = "rCRS") -> str:
        """Send a file as the upload page does, confirm it, and return the job's id.

        Raises:
            Refused: by the site, by S3, or at the confirmation.
        """
        form = self.start_upload(name or path.name, path.stat().st_size, reference=reference)
        self.send_to_s3(form, path)
        return self.confirm(form)

    def start_upload(self, name: str, size: int, *, reference: str = "rCRS") -> dict[str, Any]:
        """Open an upload: {"job", "url", "fields", "confirm"}."""
        answer = self._post("/jobs/uploads/", json={"name": name, "size": size, "reference": reference})
        form: dict[str, Any] = answer.json()
        return form

    def send_to_s3(self, form: Mapping[str, Any], path: Path) -> None:
        """The presigned POST: straight to S3, without the site's cookies, tried again when S3 is unwell."""
        origin = {"Origin": self.web_url}
        for attempt in range(TRIES):
            with requests.Session() as s3, path.open("rb") as file:
                s3.trust_env = False
                try:
                    answer = s3.post(form["url"], data=form["fields"], files={"file": file}, headers=origin, timeout=60)
                except requests.ConnectionError:
                    continue
            if answer.status_code < 300:
                return
            if answer.status_code < 500:
                code = re.search("<Code>(.*?)</Code>", answer.text)
                raise Refused(f"S3: {answer.status_code} {code[1] if code else answer.text[:200]}")
            time.sleep(0.1 * 2**attempt)
        raise Refused("S3 did not take the file.")

    def confirm(self, form: Mapping[str, Any]) -> str:
        return str(self._post(form["confirm"]).json()["job"])

    # --- The plan

    def checkout(self) -> str:
        """Ask to subscribe. Returns the address of the Checkout page that the site sends one to."""
        return self._post("/plan/checkout/", allow_redirects=False).headers["Location"]

    def portal(self) -> str:
        """Return the address of the Billing Portal."""
        return self._post("/plan/portal/", allow_redirects=False).headers["Location"]

    # --- What became of a job

    def status(self, job: str) -> dict[str, Any]:
        """Return the job's status.json."""
        answer = self._checked(self.session.get(f"{self.web_url}/jobs/{job}/status.json", timeout=30))
        found: dict[str, Any] = answer.json()
        return found

    def wait(
        self, job: str, seconds: float = 120, on_status: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> dict[str, Any]:
        """Ask until the job has ended, and return its last status. Raises TimeoutError."""
        latest: dict[str, Any] = {}

        def ended() -> bool:
            latest.clear()
            latest.update(self.status(job))
            on_status(dict(latest))
            return latest["status"] in TERMINAL

        try:
            wait_for(ended, seconds, "the job to end")
        except TimeoutError as error:
            raise TimeoutError(f"job {job} is {latest['status']} after {seconds:.0f} s") from error
        return latest

    def page(self, path: str) -> str:
        return self._checked(self.session.get(urljoin(self.web_url, path), timeout=30)).text

    def download(self, job: str, what: str = "vcf") -> bytes:
        """`vcf`, `index` or `log`, by way of the presigned URL that the site sends one to.

        Raises:
            Refused: also when the site leads back to a page of its own, as for a result that is archived.
        """
        url = f"{self.web_url}/jobs/{job}/download/{what}/"
        for attempt in range(TRIES):
            answer = self.session.get(url, timeout=60)
            if answer.status_code < 400 and answer.history and answer.url.startswith(self.web_url):
                raise Refused(f"GET {url}: leads to {answer.url}")
            if answer.status_code < 500:
                return self._checked(answer).content
            time.sleep(0.1 * 2**attempt)
        return self._checked(answer).content

    def cancel(self, job: str) -> None:
        self._post(f"/jobs/{job}/cancel/")

    def retry(self, job: str) -> None:
        self._post(f"/jobs/{job}/retry/")

    def delete(self, job: str) -> None:
        self._post(f"/jobs/{job}/delete/")

    def _post(self, path: str, **options: Any) -> requests.Response:
        if "csrftoken" not in self.session.cookies:
            self.page("/")
        headers = {"X-CSRFToken": self.session.cookies.get("csrftoken") or "", "Referer": self.web_url}
        url = urljoin(self.web_url, path)
        return self._checked(self.session.post(url, headers=headers, timeout=60, **options))

    def _checked(self, answer: requests.Response) -> requests.Response:
        if answer.status_code < 400:
            return answer
        if "json" in answer.headers.get("Content-Type", ""):
            why = str(answer.json().get("error", answer.text))
        else:
            why = _first_error(answer.text)
        raise Refused(f"{answer.request.method} {answer.request.path_url}: {answer.status_code} {why}")


def _first_error(html: str) -> str:
    """Return what a page says is wrong: its first list of errors, or alert, or heading."""
    for pattern in (
        r'class="[^"]*errorlist[^"]*"[^>]*>(.*?)</ul>',
        r'class="[^"]*invalid-feedback[^"]*"[^>]*>(.*?)</div>',
        r'role="alert"[^>]*>(.*?)</div>',
        r"<h1[^>]*>(.*?)</h1>",
        r"<title>(.*?)</title>",
    ):
        found = re.search(pattern, html, re.DOTALL)
        if found:
            return " ".join(unescape(re.sub("<[^>]+>", " ", found[1])).split())[:300]
    return html[:300]
