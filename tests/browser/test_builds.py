"""The upload page and genome builds: it proposes what is sure, asks what is not, and warns of what is not installed."""

import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from annotator.formats.bcftools import Tool
from annotator.formats.bgzf import BgzfWriter
from annotator.reference.sample_file import write_sample
from devstack.stack import Stack
from tests.annotator.packs import make_pack
from tests.support import gene_styles
from tests.support.genome import fasta, make_genome
from tests.support.stacks import migrated_stack
from tests.support.visitors import LONG, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.service("browser: builds", seconds=50)]

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
SIZES = {"alpha": 30_000, "beta": 20_000}


def bases(name: str) -> str:
    rng = random.Random(name)  # noqa: S311
    return "".join(rng.choices("ACGT", k=SIZES[name]))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A service with two more references, which have a contig 1 of different lengths and bases."""
    references = tmp_path_factory.mktemp("references")
    for name in SIZES:
        make_pack(references, {"1": bases(name)}, pack_id=name)
    env = {"REFERENCES_DIR": str(references), "UPLOAD_MAX_BYTES": "2000000"}
    with migrated_stack(tmp_path_factory.mktemp("shelf") / "data", env=env) as running:
        yield running


def vcf(name: str, records: int, *header: str) -> bytes:
    text = bases(name)
    lines = [f"1\t{pos}\t.\t{text[pos - 1]}\tN\t.\t.\t." for pos in range(100, 100 + 40 * records, 40)]
    return "\n".join(["##fileformat=VCFv4.2", *header, COLUMNS, *lines, ""]).encode()


def choose(page: Page, folder: Path, **files: bytes) -> list[Locator]:
    """Choose files by their names, with __ for a dot; gives their rows."""
    paths = []
    for name, content in files.items():
        paths.append(folder / name.replace("__", "."))
        paths[-1].write_bytes(content)
    page.locator("#files").set_input_files([str(path) for path in paths])
    return [page.locator(".upload").filter(has_text=path.name) for path in paths]


def start(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("Upload and annotate"))


def length(name: str) -> str:
    return f"##contig=<ID=1,length={SIZES[name]}>"


def bgzip(content: bytes, path: Path) -> bytes:
    with path.open("wb") as file:
        writer = BgzfWriter(file)
        writer.write(content)
        writer.finish()
    return path.read_bytes()


def bcf(content: bytes, folder: Path) -> bytes:
    (folder / "in.vcf").write_bytes(content)
    target = folder / "out.bcf"
    tool = Tool("view", ["-Ob", "-o", target, folder / "in.vcf"], work_dir=folder, memory_bytes=1024**3, cpu_seconds=60)
    tool.process.wait()
    failure = tool.failure()
    tool.close()
    assert failure is None
    return target.read_bytes()


def test_a_sure_file_makes_the_choice_and_a_second_one_goes_its_own_way(
    desktop: Page, shelf: Stack, tmp_path: Path
) -> None:
    page = desktop
    sign_in(page, shelf)
    expect(page.locator("#reference")).to_have_value("rCRS")
    # Packed, and much longer than what is looked at.
    packed = bgzip(vcf("beta", 400, length("beta"), *["##x=" + "y" * 500] * 1500), tmp_path / "packed")
    (first,) = choose(page, tmp_path, beta__vcf__gz=packed)
    expect(page.locator("#reference")).to_have_value("beta")
    expect(first).to_contain_text("This file is on beta (its contig 1 has 20,000 bases).")
    expect(page.locator("[data-part=status]")).to_contain_text("beta is chosen for it.")
    (second,) = choose(page, tmp_path, alpha__bcf=bcf(vcf("alpha", 5, length("alpha")), tmp_path))
    expect(second.get_by_label("Reference of this file")).to_have_value("alpha")
    expect(page.locator("#reference")).to_have_value("beta")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    start(page).click()
    page.wait_for_url(re.compile(r"/jobs/$"), timeout=LONG)
    for name in ("beta.vcf.gz", "alpha.bcf"):
        row = page.get_by_role("row").filter(has_text=name)
        expect(row.get_by_text("Completed", exact=True)).to_be_visible(timeout=LONG)


def test_ref_alleles_make_the_choice_where_the_header_says_nothing(desktop: Page, shelf: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_in(page, shelf)
    # gzip by another program, whose one member is longer than what is looked at.
    noise = random.Random(1).randbytes(400_000).hex()  # noqa: S311
    content = vcf("alpha", 150) + f"1\t29000\t.\tN\t<DEL>\t.\t.\tX={noise}\n".encode()
    (row,) = choose(page, tmp_path, silent__vcf__gz=gzip.compress(content))
    expect(page.locator("#reference")).to_have_value("alpha")
    expect(row).to_contain_text("150 of 150 REF alleles agree with alpha.")


def test_an_unclear_file_waits_for_an_answer(desktop: Page, shelf: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_in(page, shelf)
    (row,) = choose(page, tmp_path, unclear__vcf=vcf("beta", 2))
    expect(row).to_contain_text("Needs your answer")
    expect(page.locator("[data-part=status]")).to_contain_text("unclear.vcf: The header does not tell")
    expect(start(page)).to_be_disabled()
    # By the keyboard alone.
    choice = row.get_by_label("Reference of this file")
    expect(choice).to_have_value("")
    choice.focus()
    page.keyboard.press("b")
    expect(choice).to_have_value("beta")
    expect(start(page)).to_be_enabled()
    expect(row).to_contain_text("Ready to upload")
    expect(page.locator("[data-part=status]")).to_be_empty()
    start(page).click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"), timeout=LONG)
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=LONG)


def test_a_build_that_is_not_installed_is_warned_of_and_the_job_ends_with_the_sentence(
    phone: Page, shelf: Stack, tmp_path: Path
) -> None:
    page = phone
    sign_in(page, shelf)
    page.locator("#reference").select_option("beta")
    (row,) = choose(page, tmp_path, old__vcf=vcf("beta", 20, "##contig=<ID=1,length=249250621>"))
    expect(row).to_contain_text("on GRCh37 (its contig 1 has 249,250,621 bases), which is not installed here.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(start(page)).to_be_disabled()
    row.get_by_label("Annotate it against beta anyway").check()
    start(page).click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"), timeout=LONG)
    sentence = "This file is on GRCh37 (its contig 1 has 249,250,621 bases); you chose beta."
    expect(page.get_by_text(sentence).first).to_be_visible(timeout=LONG)


def test_a_choice_against_the_file_is_asked_about(desktop: Page, shelf: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_in(page, shelf)
    page.locator("#reference").select_option("alpha")
    (row,) = choose(page, tmp_path, mine__vcf=vcf("beta", 5, length("beta")))
    expect(row).to_contain_text("This file is on beta (its contig 1 has 20,000 bases). You chose alpha.")
    expect(page.locator("#reference")).to_have_value("alpha")
    expect(start(page)).to_be_disabled()
    row.get_by_label("Reference of this file").select_option("beta")
    expect(start(page)).to_be_enabled()
    expect(row.get_by_role("checkbox")).to_have_count(0)


def test_what_cannot_be_told_is_uploaded_as_ever(desktop: Page, shelf: Stack, tmp_path: Path) -> None:
    """A file that no browser reads, and a service that does not answer."""
    page = desktop
    sign_in(page, shelf)
    rows = choose(page, tmp_path, odd__bcf=b"\x1f\x8bnonsense", empty__vcf=b"##fileformat=VCFv4.2\n")
    for row in rows:
        expect(row).to_contain_text("cannot be told before the upload")
    expect(start(page)).to_be_enabled()


def test_with_one_reference_a_file_that_fits_is_not_talked_about(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_in(page, stack)
    write_sample(tmp_path / "sample.vcf", records=50)
    (row,) = choose(page, tmp_path, sample__vcf=(tmp_path / "sample.vcf").read_bytes())
    expect(start(page)).to_be_enabled()
    expect(row.locator("[data-part=build]")).to_be_hidden()


def test_an_own_genome_is_installed_with_one_command_and_its_result_opened(
    desktop: Page, shelf: Stack, tmp_path: Path
) -> None:
    """FASTA with UCSC's names and gene models as GENCODE writes them; the result tells gene, consequence and HGVS."""
    page, genome = desktop, make_genome(seed=3, mitochondrion=False)
    sign_in(page, shelf)
    expect(page.locator("#reference option[value=mygenome]")).to_have_count(0)
    texts = {
        "--fasta": ("genome.fa.gz", fasta(genome).replace(">", ">chr")),
        "--genes": ("genes.gff3.gz", gene_styles.text(genome, gene_styles.gencode_gff3)),
    }
    options = ["--organism", "Testus exampli"]
    for option, (name, text) in texts.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        options += [option, str(tmp_path / name)]
    said = shelf.manage("install_reference", "mygenome", *options)
    assert "Installed mygenome: Testus exampli mygenome (own files), 2 sequences." in said

    # Offered without a restart, and chosen by the file's contigs.
    page.reload()
    gene = genome.genes["GEN2"]
    codon = gene.codons.index("GAC")
    pos, ref, alt = gene.substitution(codon, "GAA")
    contigs = [f"##contig=<ID=chr{name},length={len(text)}>" for name, text in genome.sequences.items()]
    record = f"chr1\t{pos}\t.\t{ref}\t{alt}\t50\tPASS\t."
    content = "\n".join(["##fileformat=VCFv4.2", *contigs, COLUMNS, record, ""])
    (row,) = choose(page, tmp_path, own__vcf=content.encode())
    expect(page.locator("#reference")).to_have_value("mygenome")
    expect(page.locator("#reference option:checked")).to_have_text("Testus exampli mygenome (own files)")
    expect(row).to_contain_text("This file is on mygenome (its contig chr1 has 60,000 bases).")
    start(page).click()

    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"), timeout=LONG)
    variant = page.get_by_role("row").filter(has_text=f"chr1:{pos}")
    expect(variant).to_be_visible(timeout=LONG)
    described = f"g.{pos}{ref}>{alt}", f"ENST00000000002.2:c.{3 * codon + 3}C>A", f"p.Asp{codon + 1}Glu"
    for text in ("GEN2", "missense", *described):
        expect(variant).to_contain_text(text)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
