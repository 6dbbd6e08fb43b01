"""Well-known sources that can be installed by name: where they are published, and which fields to take."""

from dataclasses import dataclass

from annotator.sources.fields import Wanted


@dataclass(frozen=True)
class Preset:
    """A well-known source. files: addresses by reference id; md5: whether each file has an .md5 file next to it."""

    name: str
    title: str
    fields: tuple[Wanted, ...]
    files: dict[str, tuple[str, ...]]
    md5: bool


_NCBI = "https://ftp.ncbi.nlm.nih.gov"
_GNOMAD = "https://storage.googleapis.com/gcp-public-data--gnomad/release"
_CHROMOSOMES = (*(str(number) for number in range(1, 23)), "X", "Y")

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="clinvar",
            title="ClinVar",
            fields=(
                Wanted("CLNSIG", "CLNSIG"),
                Wanted("CLNDN", "CLNDN"),
                Wanted("CLNREVSTAT", "CLNREVSTAT"),
                Wanted("ID", "CLNVID", description="ClinVar variation ID"),
            ),
            files={build: (f"{_NCBI}/pub/clinvar/vcf_{build}/clinvar.vcf.gz",) for build in ("GRCh38", "GRCh37")},
            md5=True,
        ),
        Preset(
            name="dbsnp",
            title="dbSNP",
            # Text in results: rs numbers are about to exceed VCF's 32-bit integers.
            fields=(Wanted("RS", "RS", "String", "dbSNP rs number"),),
            files={
                "GRCh38": (f"{_NCBI}/snp/latest_release/VCF/GCF_000001405.40.gz",),
                "GRCh37": (f"{_NCBI}/snp/latest_release/VCF/GCF_000001405.25.gz",),
            },
            md5=True,
        ),
        Preset(
            name="gnomad",
            title="gnomAD",
            fields=(Wanted("AF", "gnomAD_AF"),),
            files={
                "GRCh38": tuple(
                    f"{_GNOMAD}/4.1/vcf/genomes/gnomad.genomes.v4.1.sites.chr{name}.vcf.bgz" for name in _CHROMOSOMES
                ),
                "GRCh37": (f"{_GNOMAD}/2.1.1/vcf/genomes/gnomad.genomes.r2.1.1.sites.vcf.bgz",),
            },
            md5=False,
        ),
    )
}
