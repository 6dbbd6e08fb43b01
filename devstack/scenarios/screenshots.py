"""Pictures of the running service for the README: list, job page and summary, on a desktop and on a phone."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from annotator.reference.sample_file import write_sample
from devstack.client import Scientist
from devstack.stack import Stack

SCREENS = {"desktop": (1280, 860), "phone": (390, 844)}
#: File name and number of records; the last is spoilt, so that the list shows what a failure looks like.
FILES = (("family-12-mother.vcf", 640), ("family-12-child.vcf", 910), ("cohort-2026.vcf", 1200), ("notes.vcf", 40))


def launch(playwright: Playwright) -> Browser:
    """Return the system's Chromium, else Playwright's own download."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    # Without its sandbox: that needs user namespaces, which containers do not give. It opens our own pages only.
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


def screenshots(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Make them with a fresh stack, and return their paths: `{list,job,summary,explorer}-{desktop,phone}.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gas-screenshots-") as work, Stack(Path(work) / "data", say=say) as stack:
        job = _make_jobs(stack, Path(work))
        with sync_playwright() as playwright, launch(playwright) as browser:
            made = [
                path
                for name, (width, height) in SCREENS.items()
                for path in _one_screen(browser, stack, job, folder, name, width, height)
            ]
    for path in made:
        say(f"{path}")
    return made


def _make_jobs(stack: Stack, work: Path) -> str:
    """Run a job for each file, and return the id of the largest one's."""
    account = stack.accounts.demo
    ids = {}
    with Scientist(stack.web_url, email=account.email, password=account.password) as demo:
        demo.sign_in()
        for number, (name, records) in enumerate(FILES):
            write_sample(work / name, records=records, seed=number)
            if name == "notes.vcf":
                text = (work / name).read_text()
                (work / name).write_text(text.replace("#CHROM\t", "#CHROM ", 1))
            ids[name] = demo.upload(work / name)
        for job in ids.values():
            demo.wait(job)
    return ids["cohort-2026.vcf"]


def _one_screen(
    browser: Browser, stack: Stack, job: str, folder: Path, name: str, width: int, height: int
) -> list[Path]:
    account = stack.accounts.demo
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2,
        color_scheme="light",
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(f"{stack.web_url}/accounts/login/")
    page.fill('input[name="login"]', account.email)
    page.fill('input[name="password"]', account.password)
    page.press('input[name="password"]', "Enter")
    page.wait_for_url("**/jobs/")
    taken = [_shot(page, folder / f"list-{name}.png")]
    page.goto(f"{stack.web_url}/jobs/{job}/")
    page.wait_for_selector('#job[data-status="COMPLETED"]')
    taken.append(_shot(page, folder / f"job-{name}.png"))
    # At once, not smoothly: a picture taken on the way shows nothing.
    page.locator(".figures").evaluate(
        "panel => window.scrollTo({top: panel.getBoundingClientRect().top + scrollY - 20, behavior: 'instant'})"
    )
    taken.append(_shot(page, folder / f"summary-{name}.png"))
    page.goto(f"{stack.web_url}/jobs/{job}/variants/?gene=MT-ND4")
    page.locator("#charts-box > summary").click()
    page.wait_for_selector("#charts .charts")
    taken.append(_shot(page, folder / f"explorer-{name}.png"))
    context.close()
    return taken


def _shot(page: Page, path: Path) -> Path:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path, animations="disabled", caret="hide")
    return path
