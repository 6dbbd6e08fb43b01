"""Promise: what is certainly no VCF is said to be none before it is uploaded, whatever its name."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from tests.support.jobs import SMALL_VCF
from tests.support.visitors import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]

#: A browser gives a dropped folder as a file; whether it is one its entry tells.
DROP_A_FOLDER = """() => {
  const items = [{ webkitGetAsEntry: () => ({ isDirectory: true }) }]
  const dataTransfer = { types: ['Files'], files: [new File(['x'], 'samples.vcf')], items }
  const event = new Event('drop', { bubbles: true, cancelable: true })
  document.dispatchEvent(Object.assign(event, { dataTransfer }))
}"""


def test_a_file_that_is_no_vcf_is_told_before_the_upload(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page = desktop
    kinds = {
        "notes.txt": (b"hello", "not a VCF by its name"),
        "empty.vcf": (b"", "This file is empty."),
        "zip.vcf": (b"PK\x03\x04rest", "This is a zip archive or an office document, not a VCF."),
        "bam.vcf.gz": (gzip.compress(b"BAM\x01rest"), "This is a BAM alignment file, not a VCF."),
        "genome.vcf": (b">chr1\nACGT\n", "This is a FASTA file, not a VCF."),
    }
    for name, (content, _) in kinds.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.vcf").write_bytes(SMALL_VCF)
    sign_in(page, stack)
    page.locator("#files").set_input_files([str(path) for path in sorted(tmp_path.iterdir())])
    page.evaluate(DROP_A_FOLDER)
    for name, (_, says) in kinds.items():
        expect(page.locator(".upload").filter(has_text=name)).to_contain_text(says)
    expect(page.locator(".upload").filter(has_text="samples.vcf")).to_contain_text("This is a folder.")
    start = page.get_by_role("button", name="Upload and annotate")
    expect(start).to_be_disabled()
    for name in ("zip.vcf", "bam.vcf.gz", "genome.vcf"):
        page.get_by_role("button", name=f"Remove {name} from the list").click()
    expect(start).to_be_enabled()


def test_and_is_uploaded_all_the_same_for_who_insists(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page, file = desktop, tmp_path / "genome.vcf"
    file.write_bytes(b">chr1\nACGT\n")
    sign_in(page, stack)
    page.locator("#files").set_input_files(str(file))
    page.get_by_label("Upload it anyway").check()
    page.get_by_role("button", name="Upload and annotate").click()
    expect(page.get_by_text("The file is a FASTA file, not a VCF.").first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page.get_by_role("link", name="Upload a corrected file")).to_be_visible()
