"""Accounts in a real browser: passkeys, Globus, the profile, the download of one's data, and the end of it all."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from devstack.processes.ports import free_port
from devstack.stack import Stack
from tests.gas.users.provider import Provider, provider
from tests.support.stacks import migrated_stack
from tests.support.visitors import LONG, PASSWORD, sign_up, upload_sample
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.service("browser: accounts", seconds=70)]


@pytest.fixture(scope="module")
def globus() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, globus: Provider) -> Iterator[Stack]:
    """A service that knows the provider."""
    env = {"GLOBUS_CLIENT_ID": "gas", "GLOBUS_CLIENT_SECRET": "of the test", "GLOBUS_SERVER_URL": globus.url}
    with migrated_stack(tmp_path_factory.mktemp("accounts") / "data", port=free_port(), env=env) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_styles_from_elsewhere(desktop: Page, phone: Page) -> None:
    """The provider's page asks for a stylesheet of another site."""
    for page in (desktop, phone):
        page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))


def sign_in(page: Page, origin: str, email: str, password: str) -> None:
    page.goto(f"{origin}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page, origin: str) -> None:
    page.goto(f"{origin}/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{origin}/")


def confirm(page: Page, password: str = PASSWORD) -> None:
    """Confirm who one is."""
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue").click()


def by_globus(page: Page, origin: str, sub: str) -> None:
    page.goto(f"{origin}/accounts/login/")
    page.get_by_role("button", name="Continue with Globus").click()
    consent(page, sub)


def consent(page: Page, sub: str) -> None:
    page.get_by_placeholder("sub").fill(sub)
    page.get_by_role("button", name="Authorize").click()


def test_a_passkey_is_added_signs_in_and_is_removed(desktop: Page, site: Stack) -> None:
    """At `localhost`: browsers allow no passkey at an address of numbers."""
    page, demo = desktop, site.accounts.demo
    origin = f"http://localhost:{site.web_port}"
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    sign_in(page, origin, demo.email, demo.password)
    page.wait_for_url("**/jobs/")
    page.goto(f"{origin}/profile/")
    page.get_by_role("link", name="Manage second factors and passkeys").click()
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page, demo.password)
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_text("The passkey is added")).to_be_visible()
    assert len(devtools.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]) == 1

    sign_out(page, origin)
    page.goto(f"{origin}/accounts/login/?next=/profile/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/profile/")
    expect(page.get_by_text("1 passkey", exact=True)).to_be_visible()

    # As a second factor after the password.
    sign_out(page, origin)
    sign_in(page, origin, demo.email, demo.password)
    page.get_by_role("button", name="Use a passkey or security key").click()
    page.wait_for_url("**/jobs/")

    page.goto(f"{origin}/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove Work laptop").click()
    confirm(page, demo.password)
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Your account has none")).to_be_visible()


def test_where_there_can_be_no_passkey_the_page_says_why(desktop: Page, site: Stack) -> None:
    page = desktop
    page.goto(f"{site.web_url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("not at this address")


def test_in_by_globus_and_in_again(desktop: Page, site: Stack, globus: Provider) -> None:
    page = desktop
    globus.person("grace", email="grace@navy.example", email_verified=True, name="Grace Hopper")
    by_globus(page, site.web_url, "grace")
    page.wait_for_url("**/jobs/")
    page.goto(f"{site.web_url}/profile/")
    expect(page.get_by_role("textbox", name="Name (optional)")).to_have_value("Grace Hopper")
    sign_out(page, site.web_url)
    by_globus(page, site.web_url, "grace")
    page.wait_for_url("**/jobs/")


def test_an_unverified_address_takes_nobodys_account_over(
    desktop: Page, phone: Page, site: Stack, globus: Provider
) -> None:
    owner = site.accounts.demo
    email = owner.email
    globus.person("mallory", email=email, name="Mallory")
    for _ in range(2):
        by_globus(phone, site.web_url, "mallory")
        expect(phone.get_by_role("heading", name="Check your mailbox")).to_be_visible()
        phone.goto(f"{site.web_url}/jobs/")
        expect(phone).to_have_url(re.compile("/accounts/login/"))
    mails = wait_until(lambda: [m for m in site.mail(email) if "already" in m["subject"]])
    assert "/profile/" in mails[0]["text"]
    sign_in(desktop, site.web_url, email, owner.password)
    desktop.wait_for_url("**/jobs/")
    desktop.goto(f"{site.web_url}/profile/")
    expect(desktop.get_by_role("textbox", name="Name (optional)")).to_have_value(owner.name)
    expect(desktop.get_by_text("None", exact=True)).to_be_visible()


def test_linked_in_the_profile_used_and_unlinked(desktop: Page, phone: Page, site: Stack, globus: Provider) -> None:
    page, email = desktop, "linker@lab.example"
    globus.person("linker", email="linker@uni.example", name="Other Name")
    sign_up(page, site, email)
    page.goto(f"{site.web_url}/profile/")
    page.get_by_role("link", name="Manage linked sign-ins").click()
    page.get_by_role("button", name="Link a Globus identity").click()
    consent(page, "linker")
    confirm(page)
    expect(page.get_by_text("It is linked")).to_be_visible()

    by_globus(phone, site.web_url, "linker")
    phone.wait_for_url("**/jobs/")
    phone.goto(f"{site.web_url}/profile/")
    expect(phone.locator(".page-head")).to_contain_text(email)

    page.get_by_role("button", name="Unlink Globus").click()
    expect(page.get_by_text("It is unlinked")).to_be_visible()
    sign_out(phone, site.web_url)
    by_globus(phone, site.web_url, "linker")
    expect(phone.get_by_role("heading", name="Check your mailbox")).to_be_visible()


def test_a_code_by_mail_signs_in(desktop: Page, site: Stack) -> None:
    page, demo = desktop, site.accounts.demo
    page.goto(f"{site.web_url}/accounts/login/")
    page.get_by_role("link", name="Mail me a sign-in code").click()
    page.get_by_label("Email").fill(demo.email)
    page.get_by_role("button", name="Send the code").click()
    (mail,) = wait_until(lambda: [m for m in site.mail(demo.email) if "code" in m["subject"]])
    code = re.search(r"^ +(\S+)$", mail["text"], re.MULTILINE)
    assert code
    page.get_by_label("Code").fill(code[1])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/jobs/")


def test_downloaded_then_deleted_with_everything(desktop: Page, site: Stack, tmp_path: Path) -> None:
    page, email = desktop, "leaver@lab.example"
    sign_up(page, site, email)
    job = upload_sample(page, site, tmp_path / "mine.vcf", 100)
    expect(page.get_by_role("link", name=re.compile("Annotated VCF")).first).to_be_visible(timeout=LONG)

    page.goto(f"{site.web_url}/profile/")
    page.get_by_role("button", name="Prepare a download").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=LONG)
    with page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as found:
        assert found.testzip() is None
        assert found.read(f"jobs/{job}/mine.vcf") == (tmp_path / "mine.vcf").read_bytes()
        assert f"jobs/{job}/mine.annot.vcf.gz" in found.namelist()
        assert json.loads(found.read("account.json"))["email"] == email

    page.get_by_role("link", name="Delete…").click()
    confirm(page)
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Your account and everything in it is deleted")).to_be_visible()
    wait_until(lambda: not site.objects(job), what="objects of the deleted account")
    assert [m for m in site.mail(email) if m["subject"] == "Your account is deleted"]
    sign_in(page, site.web_url, email, PASSWORD)
    expect(page.get_by_text("not correct")).to_be_visible()


@pytest.mark.parametrize("path", ["/profile/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/reauthenticate/"])
def test_nothing_is_wider_than_a_phone(phone: Page, site: Stack, path: str) -> None:
    page = phone
    sign_in(page, site.web_url, site.accounts.demo.email, site.accounts.demo.password)
    page.wait_for_url("**/jobs/")
    page.goto(site.web_url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
