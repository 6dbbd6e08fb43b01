"""A result explored in a browser: filters, charts, shared addresses, named filters, stars, exports, and the genome."""

import csv
import gzip
import io
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from devstack.stack import Stack
from tests.support import axe
from tests.support.visitors import LONG, sign_up, upload_sample

#: Of script and style that a page of the explorer loads first, uncompressed.
FIRST_LOAD = 300_000


def matches(page: Page) -> int:
    return int((page.locator("[data-total]").get_attribute("data-total") or "").replace(",", ""))


def explore(page: Page, stack: Stack, vcf: Path, records: int) -> str:
    """Upload a sample and open its variants. Returns the address of the table."""
    upload_sample(page, stack, vcf, records)
    page.get_by_role("link", name="Explore the variants").click(timeout=2 * LONG)
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(records), timeout=LONG)
    return page.url


def test_filters_charts_shared_addresses_and_stars(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_up(page, stack, "explorer@lab.example")
    table = explore(page, stack, tmp_path / "first.vcf", 600)

    # A bar of a chart is a filter; the count, the chip and the address follow, and the page is not loaded again.
    page.evaluate("window.neverReloaded = true")
    page.locator("#charts-box > summary").click()
    _click_a_column(page)
    bar = page.locator("[data-chart=consequences] li").filter(has_text="missense")
    count = int(bar.locator(".bar-count").inner_text())
    bar.get_by_role("link").first.click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(count))
    page.wait_for_url("**?consequence=missense_variant")
    expect(page.locator(".chip")).to_have_text(re.compile("missense variant"))

    # A filter of the form is added; a facet leads further; each has its chip.
    page.locator("#group-place > summary").click()
    page.get_by_label("Genes").fill("mt-nd1, MT-ND5")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**gene=**")
    page.locator("#facet-gene > summary").click()
    page.locator("#facet-gene").get_by_role("link", name="MT-ND5").click()
    page.wait_for_url("**gene=MT-ND5**")
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("link", name="Position").or_(page.locator("th .sort").first).first.click()
    page.wait_for_url(re.compile("sort="))
    assert page.evaluate("window.neverReloaded")
    few, first = matches(page), page.locator("table[data-rows] tbody th").first.inner_text()

    # The address alone brings the same page to a second window; the browser's back undoes a step.
    second = page.context.new_page()
    second.goto(page.url)
    assert matches(second) == few
    assert second.locator("table[data-rows] tbody th").first.inner_text() == first
    second.close()
    page.go_back()
    page.wait_for_url(lambda url: "sort=" not in url)

    # By name, on another page of the same person's.
    page.locator("#menu-named > summary").click()
    page.get_by_label("Save these filters as").fill("my missense")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("saved as “my missense”")
    page.goto(table)
    page.locator("#menu-named > summary").click()
    page.get_by_role("link", name="my missense").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(few))

    # A range says what becomes of variants without a value.
    page.locator("#group-uploaded-file > summary").click()
    page.locator("input[name=qual-min]").fill("100")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("variants that have no value")

    _star(page, stack, table, tmp_path / "second.vcf")


def _click_a_column(page: Page) -> None:
    column = page.locator("svg[data-chart=density] a").nth(3)
    stretch, _, height = (column.locator("title").text_content() or "").rpartition(": ")
    column.locator(".column-back").click()
    expect(page.locator(".chip")).to_contain_text("Regions")
    page.wait_for_url("**region=**")
    assert matches(page) >= int(height), stretch  # those that reach into it, too
    page.get_by_role("link", name=re.compile("Remove the filter")).click()
    expect(page.locator(".chip")).to_have_count(0)


def _star(page: Page, stack: Stack, table: str, second: Path) -> None:
    # Arrow keys go from row to row. The search box jumps to a variant, which is starred with a note.
    page.goto(table)
    page.locator("table[data-rows] tbody th a").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("table[data-rows] tbody tr:nth-child(2) th a")).to_be_focused()
    page.locator("#search-text").fill("m.3243A>G")
    page.keyboard.press("Enter")
    page.wait_for_url("**/at/chrM-3243-A-G/**")
    expect(page.get_by_role("link", name="MITOMAP")).to_have_attribute("href", re.compile("3243A%3EG"))
    page.get_by_label("Note").fill("ask the clinic")
    page.get_by_role("button", name="Star", exact=True).click()
    expect(page.locator("#star-title")).to_have_text(re.compile("Starred"))

    # The star is there in another job, and in the list of all.
    other = explore(page, stack, second, 300)
    page.goto(f"{other}?region=chrM:3243")
    expect(page.locator("table[data-rows] [aria-label=Starred]")).to_have_count(1)
    page.locator("table[data-rows] tbody th a").first.click()
    expect(page.get_by_label("Note")).to_have_value("ask the clinic")
    page.get_by_role("link", name="All starred variants").click()
    expect(page.get_by_role("row").filter(has_text="m.3243A>G")).to_contain_text("ask the clinic")


def test_exports_the_genome_and_what_a_page_weighs(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_up(page, stack, "exports@lab.example")
    table = explore(page, stack, tmp_path / "one.vcf", 400)

    # The columns that are chosen are remembered, and exported.
    page.locator("#menu-columns > summary").click()
    page.get_by_role("button", name="Usual columns").wait_for()
    for name in ("gene", "consequence", "impact"):
        page.locator(f"#column-{name}").uncheck()
    page.locator("#column-filter").check()
    page.get_by_role("button", name="Show these").click()
    page.goto(f"{table}?impact=HIGH")
    heads = page.locator("table[data-rows] thead")
    expect(heads).to_contain_text("FILTER")
    expect(heads).not_to_contain_text("Consequence")
    page.locator("#menu-export > summary").click()
    with page.expect_download() as found:
        page.get_by_role("link", name=re.compile("TSV")).click()
    assert found.value.suggested_filename == "one.variants.tsv"
    lines = Path(found.value.path()).read_text().splitlines()
    assert "Impact: High" in lines[0]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines[1:])), delimiter="\t"))
    assert len(rows) == matches(page)
    assert {"contig", "pos", "ref", "alt", "filter"} <= set(rows[0])
    assert "consequence" not in rows[0]
    shown = page.locator("table[data-rows] tbody th a").all_inner_texts()
    assert [re.search(r":(\d+)", text)[1] for text in shown] == [row["pos"] for row in rows][: len(shown)]  # type: ignore[index]

    _export_by_a_worker(page, table)

    # igv draws the reference, the genes and the result, asks nobody else, and is not loaded before.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{table}at/chrM-3243-A-G/")
    assert not [url for url in asked if "genome" in url]
    page.get_by_role("button", name="Show the genome").click()
    expect(page.locator("#genome[data-drawn]")).to_have_count(1, timeout=LONG)
    drawn = page.locator("#genome canvas").evaluate_all(
        "all => all.filter((one) => one.width && one.height).map("
        "(one) => new Set(one.getContext('2d').getImageData(0, 0, one.width, one.height).data).size)"
    )
    assert max(drawn) > 10, drawn  # colors, and not a blank canvas
    ours = (stack.web_url, stack.aws_url)
    assert not [url for url in asked if not url.startswith((*ours, "data:", "blob:"))]
    assert [url for url in asked if url.startswith(stack.aws_url) and "X-Amz-Signature" in url]

    # What a page of the explorer loads first.
    page.goto(table)
    sources = page.locator("script[src], link[rel=stylesheet]").evaluate_all(
        "all => all.map((one) => one.src || one.href)"
    )
    bodies = [page.request.get(source).body() for source in sources]
    assert len(bodies) >= 3
    assert sum(map(len, bodies)) <= FIRST_LOAD


def _export_by_a_worker(page: Page, table: str) -> None:
    # More than 350 here, and 50,000 elsewhere, are made by a worker: the page follows by itself.
    page.goto(f"{table}?sort=-pos")
    page.locator("#menu-export > summary").click()
    page.get_by_role("button", name=re.compile("TSV")).click()
    page.wait_for_url("**/exports/")
    page.evaluate("window.neverReloaded = true")
    with page.expect_download() as large:
        page.get_by_role("link", name="Download").click(timeout=LONG)
    assert large.value.suggested_filename == "one.variants.tsv.gz"
    lines = gzip.decompress(Path(large.value.path()).read_bytes()).decode().splitlines()
    positions = [int(row["pos"]) for row in csv.DictReader(io.StringIO("\n".join(lines[1:])), delimiter="\t")]
    assert (len(positions), positions) == (400, sorted(positions, reverse=True))
    assert page.evaluate("window.neverReloaded")
    page.get_by_role("button", name="Remove the export").click()
    expect(page.get_by_role("heading", name="No exports")).to_be_visible()


def test_axe_finds_nothing_serious(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    """In light, in dark, and at 390 pixels, with the charts and all menus, filters and facets open."""
    page = desktop
    sign_up(page, stack, "axe@lab.example")
    table = explore(page, stack, tmp_path / "one.vcf", 200)
    paths = (
        f"{table}?gene=MT-ND1",
        f"{table}?qual-min=5",
        f"{table}at/chrM-3243-A-G/",
        "/starred/",
        "/exports/",
        "/help/variants/",
    )
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 844})
        for path in paths:
            page.goto(path if path.startswith("http") else f"{stack.web_url}{path}")
            if path.startswith(f"{table}?gene"):
                page.locator("#charts-box").evaluate("box => { box.open = true }")
                page.locator("#charts .charts").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            if "/at/" in path:
                page.get_by_role("button", name="Show the genome").click()
                expect(page.locator("#genome[data-drawn]")).to_have_count(1, timeout=LONG)
            page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true })")
            assert not axe.serious(page), f"{path} in {theme} at {width} pixels"
