"""Where Ensembl keeps what: every address that is asked for, of each assembly that goes by its own name."""

import pytest

from annotator.install.checksums import Checksum
from annotator.install.download import DownloadError
from annotator.install.ensembl import BASE, Found, find
from annotator.install.errors import InstallError
from annotator.install.names import accession, aliases

HUMAN38 = (
    "1 1 Homo_sapiens.GRCh38.dna.alt.fa.gz\n2 1 Homo_sapiens.GRCh38.dna.chromosome.1.fa.gz\n"
    "3 1 Homo_sapiens.GRCh38.dna.primary_assembly.fa.gz\n4 1 Homo_sapiens.GRCh38.dna.toplevel.fa.gz\n"
    "5 1 Homo_sapiens.GRCh38.dna_sm.primary_assembly.fa.gz\n"
)
GENES38 = (
    "6 1 Homo_sapiens.GRCh38.115.abinitio.gff3.gz\n7 1 Homo_sapiens.GRCh38.115.chr.gff3.gz\n"
    "8 1 Homo_sapiens.GRCh38.115.chromosome.1.gff3.gz\n9 1 Homo_sapiens.GRCh38.115.gff3.gz\n"
)
MD5 = "0123456789abcdef0123456789abcdef"
T2T = "rapid-release/species/Homo_sapiens/GCA_009914755.4/ensembl"
SITE = {
    "current_fasta/homo_sapiens/dna/CHECKSUMS": HUMAN38,
    "current_gff3/homo_sapiens/CHECKSUMS": GENES38,
    "grch37/current/fasta/homo_sapiens/dna/CHECKSUMS": "1 1 Homo_sapiens.GRCh37.dna.primary_assembly.fa.gz\n",
    "grch37/current/gff3/homo_sapiens/CHECKSUMS": "2 1 Homo_sapiens.GRCh37.87.gff3.gz\n",
    "grch37/release-113/fasta/homo_sapiens/dna/CHECKSUMS": "1 1 Homo_sapiens.GRCh37.dna.primary_assembly.fa.gz\n",
    "grch37/release-113/gff3/homo_sapiens/CHECKSUMS": "2 1 Homo_sapiens.GRCh37.87.gff3.gz\n",
    "release-110/fasta/sus_scrofa/dna/CHECKSUMS": "1 1 Sus_scrofa.Sscrofa11.1.dna.toplevel.fa.gz\n",
    "release-110/gff3/sus_scrofa/CHECKSUMS": "2 1 Sus_scrofa.Sscrofa11.1.110.gff3.gz\n",
    f"{T2T}/genome/md5sum.txt": f"{MD5}  Homo_sapiens-GCA_009914755.4-softmasked.fa.gz\n"
    f"{MD5}  Homo_sapiens-GCA_009914755.4-unmasked.fa.gz\n",
    f"{T2T}/geneset/2022_07/md5sum.txt": f"{MD5}  Homo_sapiens-GCA_009914755.4-2022_07-genes.gff3.gz\n",
}


def look(name: str, base: str = BASE, **how: str) -> Found:
    def read(url: str) -> str:
        path = url.removeprefix(f"{base}/")
        if path not in SITE:
            raise DownloadError("not-found", url)
        return SITE[path]

    return find(name, read, base=base, **how)


@pytest.mark.parametrize(
    ("name", "how", "assembly", "release", "genome", "genes"),
    [
        (
            "GRCh38", {}, "GRCh38", "115",
            "current_fasta/homo_sapiens/dna/Homo_sapiens.GRCh38.dna.primary_assembly.fa.gz",
            "current_gff3/homo_sapiens/Homo_sapiens.GRCh38.115.gff3.gz",
        ),
        (
            "GRCh37", {}, "GRCh37", "87",
            "grch37/current/fasta/homo_sapiens/dna/Homo_sapiens.GRCh37.dna.primary_assembly.fa.gz",
            "grch37/current/gff3/homo_sapiens/Homo_sapiens.GRCh37.87.gff3.gz",
        ),
        (
            "GRCh37", {"release": "113"}, "GRCh37", "113",
            "grch37/release-113/fasta/homo_sapiens/dna/Homo_sapiens.GRCh37.dna.primary_assembly.fa.gz",
            "grch37/release-113/gff3/homo_sapiens/Homo_sapiens.GRCh37.87.gff3.gz",
        ),
        (
            "sus_scrofa", {"release": "110"}, "Sscrofa11.1", "110",
            "release-110/fasta/sus_scrofa/dna/Sus_scrofa.Sscrofa11.1.dna.toplevel.fa.gz",
            "release-110/gff3/sus_scrofa/Sus_scrofa.Sscrofa11.1.110.gff3.gz",
        ),
        (
            "T2T-CHM13", {}, "T2T-CHM13", "2022_07",
            f"{T2T}/genome/Homo_sapiens-GCA_009914755.4-unmasked.fa.gz",
            f"{T2T}/geneset/2022_07/Homo_sapiens-GCA_009914755.4-2022_07-genes.gff3.gz",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", [BASE, "http://mirror.example/ensembl"])
def test_the_right_files_are_found(
    name: str, how: dict[str, str], assembly: str, release: str, genome: str, genes: str, base: str
) -> None:
    found = look(name, base, **how)
    assert (found.assembly, found.release) == (assembly, release)
    assert (found.genome.url, found.genes.url) == (f"{base}/{genome}", f"{base}/{genes}")
    assert found.genome.checksum is not None


def test_the_checksum_is_that_of_the_file() -> None:
    assert look("GRCh38").genome.checksum == Checksum("sum", "00003 1")
    assert look("T2T-CHM13").genes.checksum == Checksum("md5", MD5)


@pytest.mark.parametrize("name", ["hg38", "Human", "../etc", "homo sapiens", ""])
def test_what_is_no_name_is_said(name: str) -> None:
    with pytest.raises(InstallError, match=r"neither GRCh38, GRCh37, GRCm39, T2T-CHM13 nor a species"):
        look(name)


def test_what_is_not_there_is_said_with_the_places() -> None:
    with pytest.raises(
        InstallError, match=r"no danio_rerio at https://ftp\.ensembl\.org/pub/current_fasta/danio_rerio/dna"
    ):
        look("danio_rerio")
    with pytest.raises(InstallError, match="no release 9 of GRCh38"):
        look("GRCh38", release="9")


def test_other_errors_than_a_missing_file_are_not_taken_for_one() -> None:
    def read(url: str) -> str:
        raise DownloadError("cut", "no connection")

    with pytest.raises(DownloadError, match="no connection"):
        find("GRCh38", read)


def test_builds_that_are_mistaken_for_each_other_name_each_other() -> None:
    assert [one["title"] for one in look("GRCh38").lookalikes] == ["GRCh37 (hg19)", "T2T-CHM13 (hs1)"]


def test_names_of_contigs() -> None:
    said = {"1": ("CM1.1", "chr1", "same"), "2": ("same",), "KI270728.1": ("chr16_KI270728v1_random", "NT_187383.1")}
    found = aliases(["1", "2", "X", "MT", "KI270728.1", "chr5", "5"], said)
    assert found["1"] == ("chr1", "CM1.1")  # what two contigs could be called belongs to neither
    assert found["2"] == ("chr2",)
    assert found["X"] == ("chrX",)
    assert set(found["MT"]) >= {"chrM", "M", "chrMT"}
    assert found["chr5"] == found["5"] == ()
    assert accession("KI270728.1", found["KI270728.1"]) == "NT_187383.1"
    assert accession("1", ("chr1", "CM000663.2", "NC_000001.11")) == "NC_000001.11"
    assert accession("1", ("chr1", "CM000663.2")) == "CM000663.2"
    assert accession("scaffold_1", ()) == "scaffold_1"


def test_of_several_releases_in_a_folder_the_newest_is_taken_unless_one_is_named() -> None:
    sums = "1 1 Danio_rerio.GRCz11.dna.primary_assembly.fa.gz\n"
    sums += "".join(f"{n} 1 Danio_rerio.GRCz11.{n}.gff3.gz\n" for n in (99, 115, 100))
    base = "file:///folder"

    def read(url: str) -> str:
        if url != f"{base}/CHECKSUMS":
            raise DownloadError("not-found", url)
        return sums

    assert find("danio_rerio", read, base=base).genes.url == f"{base}/Danio_rerio.GRCz11.115.gff3.gz"
    assert find("danio_rerio", read, base=base).release == "115"
    named = find("danio_rerio", read, base=base, release="99")
    assert (named.genes.url, named.release) == (f"{base}/Danio_rerio.GRCz11.99.gff3.gz", "99")
    with pytest.raises(InstallError, match=r"has no genes of release 98 for Danio_rerio\.GRCz11"):
        find("danio_rerio", read, base=base, release="98")


def test_a_release_of_what_has_none_is_not_taken_for_another() -> None:
    with pytest.raises(InstallError, match="no numbered releases of T2T-CHM13"):
        look("T2T-CHM13", release="115")
