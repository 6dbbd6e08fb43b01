"""Operators install sources with manage.py, and jobs use them without being told."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import LazySettings
from django.core.management import BaseCommand, CommandError, call_command, load_command_class
from django.test import Client

from annotator.reference.pack import load_reference
from annotator.run.annotate import annotate
from annotator.sources.manifest import installed_sources
from annotator.sources.presets import PRESETS
from annotator.tasks import annotate_job
from gas.aws import clients
from gas.jobs.models import Job
from gas.users.models import User
from tests.annotator.sources.genomes import CLINVAR_HEADER, genome, make_genome, other, packed, text

pytestmark = pytest.mark.django_db

BASES = genome()["1"]


@pytest.fixture
def folder(tmp_path: Path, settings: LazySettings) -> Path:
    """The folder of packs, and in it a mirror of ClinVar's."""
    settings.REFERENCES_DIR = tmp_path / "packs"
    make_genome(settings.REFERENCES_DIR)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    rows = [f"1 {pos} 9 {BASES[pos - 1]} {other(BASES[pos - 1])} . . CLNSIG=Benign" for pos in range(10, 20)]
    file = packed(mirror / "clinvar.vcf.gz", text(CLINVAR_HEADER, rows))
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    (mirror / "clinvar.vcf.gz.md5").write_text(f"{digest}  clinvar.vcf.gz\n")
    return tmp_path


def said(*arguments: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("install_source", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_known_source_by_its_name(folder: Path) -> None:
    text_ = said("clinvar", "--reference", "GRCh38", "--mirror", str(folder / "mirror"))
    line = "clinvar: ClinVar 2026-11-15, 10 alleles, CLNSIG, CLNDN, CLNREVSTAT, CLNVID"
    assert f"Installed for GRCh38: {line}" in text_
    assert said("--list", "--reference", "GRCh38") == f"{line}\n"
    said("clinvar", "--retire", "--reference", "GRCh38")
    assert said("--list", "--reference", "GRCh38") == f"{line}, retired\n"
    said("clinvar", "--reinstate", "--reference", "GRCh38")
    assert said("--list", "--reference", "GRCh38") == f"{line}\n"
    said("clinvar", "--remove", "--reference", "GRCh38")
    assert said("--list", "--reference", "GRCh38") == ""


def test_any_vcf_by_its_address(folder: Path) -> None:
    file = folder / "mirror" / "clinvar.vcf.gz"
    digest = "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    options = ("--reference", "GRCh38", "--from", file.as_uri(), "--fields", "CLNSIG,ID:mine_number")
    text_ = said("mine", *options, "--checksum", digest, "--source-version", "3", "--title", "My table")
    assert "mine: My table 3, 10 alleles, mine_CLNSIG, mine_number" in text_
    with pytest.raises(CommandError, match="came damaged"):
        said("mine", *options, "--checksum", "md5:" + "0" * 32)
    assert "My table 3" in said("--list", "--reference", "GRCh38")


def test_fields_of_any_name_make_findings_by_their_roles(folder: Path) -> None:
    declared = "".join(
        f'##INFO=<ID={name},Number=1,Type=String,Description="{name}">\n' for name in ("CLASS", "DISEASE")
    )
    row = f"1 10 lab:7 {BASES[9]} {other(BASES[9])} . . CLASS=likely_pathogenic;DISEASE=Rare_disease"
    (folder / "lab.vcf").write_bytes(text("##fileformat=VCFv4.2\n##fileDate=1\n" + declared, [row]))
    roles = "significance=CLASS,condition=DISEASE,id=ID"
    options = ("--reference", "GRCh38", "--from", str(folder / "lab.vcf"), "--fields", "CLASS,DISEASE,ID")
    said("lab", *options, "--roles", roles, "--link", "https://lab.example/v/{}")
    reference = load_reference("GRCh38", folder / "packs")
    (folder / "in.vcf").write_bytes(
        text("##fileformat=VCFv4.2\n##contig=<ID=1,length=30000>\n", [f"1 10 . {BASES[9]} {other(BASES[9])} . . ."])
    )
    used = installed_sources(folder / "packs", "GRCh38")
    found = annotate(folder / "in.vcf", folder, reference=reference, sources=used).summary["findings"]
    (one,) = found["listed"]
    assert (one["kind"], one["condition"], one["id"]) == ("likely_pathogenic", "Rare disease", "lab:7")
    assert one["link"] == "https://lab.example/v/lab%3A7"
    for wrong in (("--roles", "significance=NONE"), ("--link", "https://lab.example/v/{}")):
        with pytest.raises(CommandError):
            said("lab", *options, *wrong)


def test_more_fields_of_a_known_source(folder: Path) -> None:
    options = ("--reference", "GRCh38", "--mirror", str(folder / "mirror"), "--fields", "CLNSIG,ALLELEID,ID")
    (folder / "mirror" / "clinvar.vcf.gz").write_bytes(
        packed(
            folder / "again.vcf.gz",
            text(CLINVAR_HEADER, ["1 10 9 " + BASES[9] + " " + other(BASES[9]) + " . . ALLELEID=5"]),
        ).read_bytes()
    )
    content = (folder / "mirror" / "clinvar.vcf.gz").read_bytes()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (folder / "mirror" / "clinvar.vcf.gz.md5").write_text(digest)
    assert "CLNSIG, ClinVar_ALLELEID, CLNVID" in said("clinvar", *options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clinvar", "--reference", "GRCh99"], "there is no reference pack 'GRCh99'."),
        (["--reference", "GRCh38"], "Name the source: clinvar, dbsnp, gnomad"),
        (["mine", "--reference", "GRCh38"], "mine is not one of clinvar, dbsnp, gnomad"),
        (["mine", "--reference", "GRCh38", "--from", "x.vcf"], "Say with --fields"),
        (["mine", "--reference", "GRCh38", "--from", "/no/x.vcf", "--fields", "A"], "/no/x.vcf is not a file."),
        (["clinvar", "--reference", "rCRS"], "clinvar is published for GRCh38, GRCh37, not for rCRS"),
        (["clinvar", "--reference", "GRCh38", "--mirror", "/no"], "/no/clinvar.vcf.gz is not a file."),
        (["mine", "--reference", "GRCh38", "--from", "a", "b", "--fields", "A", "--checksum", "md5:0"], "of one file"),
        (["clinvar", "--reference", "GRCh38", "--remove"], "No source clinvar is installed for GRCh38."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder: Path, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        said(*arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_folder_of_packs_there_is_nowhere_to_put_it(settings: LazySettings) -> None:
    settings.REFERENCES_DIR = None
    with pytest.raises(CommandError, match="Set REFERENCES_DIR"):
        said("clinvar", "--reference", "rCRS")


def test_jobs_use_what_is_installed_for_their_reference(
    folder: Path, pending: Callable[..., Job], browser_of: Callable[[User], Client]
) -> None:
    source = folder / "mito.vcf"
    header = '##fileformat=VCFv4.2\n##fileDate=2026-01-02\n##INFO=<ID=S,Number=1,Type=String,Description="s">\n'
    source.write_bytes(text(header, ["chrM 11778 . G A . . S=Well_known,_so_far"]))
    said("mine", "--reference", "rCRS", "--from", str(source), "--fields", "S", "--title", "Mine")
    job = pending()
    annotate_job(str(job.pk))
    job.refresh_from_db()
    assert job.summary["sources"][0]["title"] == "Mine"
    assert (job.summary["sources"][0]["version"], job.summary["sources"][0]["alleles"]) == ("2026-01-02", 1)
    assert job.preview[0]["sources"] == {"mine_S": "Well_known%2C_so_far"}
    page = BeautifulSoup(browser_of(job.owner).get(job.get_absolute_url()).content, "html.parser")
    head, row = (tr.find_all(["th", "td"]) for tr in page.select("table.variants tr"))
    column = [cell.get_text() for cell in head].index("mine_S")
    assert head[column]["title"] == "Mine 2026-01-02"
    assert row[column].get_text() == "Well known, so far"
    made_with = page.find(id="versions-title").find_parent("section").get_text(" ", strip=True)
    assert "Mine 2026-01-02 (1 allele known)" in made_with


def test_a_source_in_s3(folder: Path, aws: None) -> None:
    clients.s3().create_bucket(Bucket="shared")
    for name in ("clinvar.vcf.gz", "clinvar.vcf.gz.md5"):
        content = (folder / "mirror" / name).read_bytes()
        clients.s3().put_object(Bucket="shared", Key=f"known/{name}", Body=content)
    assert "10 alleles" in said("clinvar", "--reference", "GRCh38", "--mirror", "s3://shared/known")


def test_the_docs_name_every_option_and_tag(settings: LazySettings) -> None:
    docs = (Path(__file__).parents[4] / "docs" / "sources.md").read_text(encoding="utf-8")
    command = load_command_class("gas.jobs", "install_source")
    options = {
        one for action in command.create_parser("manage.py", "install_source")._actions for one in action.option_strings
    }
    common = set(BaseCommand().create_parser("manage.py", "x")._option_string_actions)
    for option in options - common:
        assert f"`{option}" in docs or f" {option} " in docs, option
    for preset in PRESETS.values():
        assert f"`{preset.name}`" in docs
        for field in preset.fields:
            assert f"`{field.tag}`" in docs
