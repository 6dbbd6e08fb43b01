"""A genome and a source are installed into the embedded stack by one command each, while it runs or before."""

from pathlib import Path

import pytest

from annotator.reference.pack import available_references
from annotator.sources.manifest import installed_sources
from devstack import cli
from devstack.client import Scientist
from devstack.processes.data_dir import DataDir
from devstack.processes.manage import ENVIRONMENT, running_environment
from tests.support.genome import ASSEMBLY, SPECIES, Genome, make_genome, serve_as_ensembl
from tests.support.stacks import migrated_stack

pytestmark = [pytest.mark.workers, pytest.mark.service("installs", seconds=40)]

HEADER = "##fileformat=VCFv4.2\n"
SCORE = '##INFO=<ID=SCORE,Number=1,Type=Integer,Description="How often it was seen">\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture(scope="module")
def genome() -> Genome:
    return make_genome()


@pytest.fixture(scope="module")
def pub(tmp_path_factory: pytest.TempPathFactory, genome: Genome) -> Path:
    folder = tmp_path_factory.mktemp("pub")
    serve_as_ensembl(folder, genome)
    return folder


def first_variant(genome: Genome) -> tuple[str, int, str, str]:
    contig, sequence = next(iter(genome.sequences.items()))
    position = next(at for at, base in enumerate(sequence) if base in "ACGT" and at > 100)
    ref = sequence[position]
    return contig, position + 1, ref, "ACGT"["ACGT".index(ref) - 1]


def vcf(path: Path, genome: Genome, info: str = ".") -> Path:
    contig, position, ref, alt = first_variant(genome)
    row = f"{contig}\t{position}\t.\t{ref}\t{alt}\t50\tPASS\t{info}\n"
    path.write_text(HEADER + (SCORE if info != "." else "") + COLUMNS + row)
    return path


def test_what_is_installed_while_the_stack_runs_is_offered_and_used_at_once(
    tmp_path: Path, pub: Path, genome: Genome
) -> None:
    references = tmp_path / "references"
    (tmp_path / "tables").mkdir()
    vcf(tmp_path / "tables" / "mine.vcf", genome, "SCORE=7")
    with (
        migrated_stack(tmp_path / "data", env={"REFERENCES_DIR": str(references)}) as stack,
        Scientist(stack.web_url, email=stack.accounts.demo.email, password=stack.accounts.demo.password) as person,
    ):
        person.sign_in()
        assert ASSEMBLY not in person.page("/jobs/new/")
        here = ["--data-dir", str(tmp_path / "data"), "--references-dir", str(tmp_path / "elsewhere")]
        assert cli.main(["manage", *here, "install_reference", SPECIES, "--from", str(pub)]) == 0
        assert f'value="{ASSEMBLY}"' in person.page("/jobs/new/")
        source = ["install_source", "mine", "--reference", ASSEMBLY, "--fields", "SCORE"]
        assert cli.main(["manage", *here, *source, "--from", str(tmp_path / "tables")]) == 0
        job = person.upload(vcf(tmp_path / "sample.vcf", genome), reference=ASSEMBLY)
        ended = person.wait(job)
        assert ended["status"] == "COMPLETED", ended
        log = person.download(job, "log").decode()
        assert "mine" in log
        assert not (tmp_path / "elsewhere" / ASSEMBLY).exists()
    assert running_environment(tmp_path / "data") is None


def test_both_are_installed_without_a_running_stack(tmp_path: Path, pub: Path, genome: Genome) -> None:
    references = tmp_path / "references"
    here = ["--data-dir", str(tmp_path / "data"), "--references-dir", str(references)]
    genome_file = next(pub.rglob("*.dna.toplevel.fa.gz"))
    folder = genome_file.parent
    for other in pub.rglob("*gff3*/**/*"):
        if other.is_file() and other.name != "CHECKSUMS":
            (folder / other.name).write_bytes(other.read_bytes())
    sums = "".join(file.read_text() for file in pub.rglob("CHECKSUMS"))
    (folder / "CHECKSUMS").write_text(sums)
    assert cli.main(["manage", *here, "install_reference", SPECIES, "--from", str(genome_file)]) == 0
    assert ASSEMBLY in {info.id for info in available_references(references)}
    table = vcf(tmp_path / "mine.vcf", genome, "SCORE=7")
    source = ["install_source", "mine", "--reference", ASSEMBLY, "--fields", "SCORE", "--from", str(table)]
    assert cli.main(["manage", *here, *source]) == 0
    assert [source.name for source in installed_sources(references, ASSEMBLY)] == ["mine"]


def test_what_a_killed_stack_left_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "data")
    folder.claim()
    (folder.path / ENVIRONMENT).write_text('{"SITE_URL": "http://127.0.0.1:1"}')
    assert running_environment(folder.path) == {"SITE_URL": "http://127.0.0.1:1"}
    folder.release()
    assert running_environment(folder.path) is None
    assert running_environment(tmp_path / "none") is None


def test_a_place_that_is_not_there_is_told_in_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    here = ["--data-dir", str(tmp_path / "data"), "--references-dir", str(tmp_path / "references")]
    assert cli.main(["manage", *here, "install_reference", SPECIES, "--from", str(tmp_path / "nowhere")]) == 1
    said = capfd.readouterr().err
    assert "nowhere is neither an address nor a file or folder of this machine." in said
    assert "Traceback" not in said
