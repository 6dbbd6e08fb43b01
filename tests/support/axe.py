"""What axe, the accessibility checker, finds on a page."""

from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations
  .filter((one) => ['serious', 'critical'].includes(one.impact))
  .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`)))"""


def serious(page: Page) -> list[str]:
    """Return what is serious or critical, in words."""
    page.evaluate(SOURCE.read_text())  # by the debugger, which the content security policy does not bind
    found: list[str] = page.evaluate(RUN)
    return found
