"""The filters of single samples, and the headings that they stand under."""

from annotator.tables.schema import sample_column
from gas.explorer.columns import ResultColumns, quoted
from gas.explorer.filter_kinds import Filter, OneOf, Range

GENOTYPES = "Genotypes"
#: Of more samples, each has a heading of its own for its filters.
FEW_SAMPLES = 3
ZYGOSITY = (("het", "Heterozygous"), ("hom", "Homozygous or hemizygous"), ("absent", "Called, without the allele"))


def sample_groups(columns: ResultColumns) -> dict[str, int]:
    """Return the headings of filters that are one sample's, with its number; none for a file with few samples."""
    if len(columns.samples) <= FEW_SAMPLES:
        return {}
    return {f"Sample {name}": number for number, name in enumerate(columns.samples, 1)}


def of_samples(columns: ResultColumns) -> list[Filter]:
    """Return the filters of each sample, whose names begin with s1-, s2- and so on."""
    found: list[Filter] = []
    groups = list(sample_groups(columns)) or [GENOTYPES] * len(columns.samples)
    for number, (sample, group) in enumerate(zip(columns.samples, groups, strict=True), 1):

        def column(name: str, number: int = number) -> str:
            return quoted(sample_column(number, name))

        prefix = f"s{number}-"
        found += [
            OneOf(
                f"{prefix}zygosity",
                group,
                f"{sample}: zygosity",
                "What the sample has of the allele. A genotype that has another allele as well counts as heterozygous.",
                column("zygosity"),
                lambda _: ZYGOSITY,
                missing="Not called",
            ),
            Range(f"{prefix}dp", group, f"{sample}: depth", "DP of the sample.", column("dp"), True, 0),
            Range(f"{prefix}gq", group, f"{sample}: genotype quality", "GQ.", column("gq"), True, 0),
            Range(f"{prefix}ab", group, f"{sample}: allele balance", "ALT reads in AD.", column("ab"), False, 0, 1),
            Range(f"{prefix}hf", group, f"{sample}: heteroplasmy", "Of mtDNA.", column("hf"), False, 0, 1),
        ]
    return found
