"""File names from strangers: shown as they are, and harmless."""

import pytest

from gas.jobs.file_names import clean_name, download_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sample.vcf", "sample.vcf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\run 1.vcf.gz", "run 1.vcf.gz"),
        ("o\"n'e <b>.vcf", "o\"n'e <b>.vcf"),
        ("🧬 genome.vcf", "🧬 genome.vcf"),
        ("new\nline\x00.vcf", "newline.vcf"),
        ("evil\u202efcv.exe", "evilfcv.exe"),
        ("", "upload.vcf"),
        ("..", "upload.vcf"),
        ("   ", "upload.vcf"),
    ],
)
def test_a_name_loses_folders_and_control_characters_only(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_long_name_keeps_its_beginning_and_its_ending() -> None:
    name = clean_name("x" * 300 + ".vcf.gz")
    assert len(name) == 255
    assert name.startswith("xxx")
    assert name.endswith(".vcf.gz")


@pytest.mark.parametrize(
    ("name", "saved_as"),
    [
        ("sample.vcf", "sample.annot.vcf.gz"),
        ("sample.VCF.GZ", "sample.annot.vcf.gz"),
        ("fcv.vcf", "fcv.annot.vcf.gz"),  # a name is not eaten letter by letter
        ("sample.bcf", "sample.annot.vcf.gz"),
        ("notes.md", "notes.md.annot.vcf.gz"),
        (".vcf", ".vcf.annot.vcf.gz"),
    ],
)
def test_the_result_is_named_after_the_file(name: str, saved_as: str) -> None:
    assert download_name(name, ".annot.vcf.gz") == saved_as
