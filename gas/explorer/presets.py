"""Filters that most people need, ready to choose."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from gas.explorer.columns import ResultColumns

Parameters = list[tuple[str, str]]
LOSS_OF_FUNCTION = (
    "transcript_ablation",
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
)
RARE = "0.01"


@dataclass(frozen=True)
class Preset:
    """A filter by name.

    name: in addresses. text: what it does, exactly.
    parameters: of the form; None if the file lacks what it needs.
    """

    name: str
    label: str
    text: str
    parameters: Callable[[ResultColumns], Parameters | None]


def _classified(columns: ResultColumns) -> Parameters | None:
    if not any(one.tag.endswith("CLNSIG") for one in columns.metadata.sources):
        return None
    return [("significance", "pathogenic"), ("significance", "likely_pathogenic")]


def _rare(columns: ResultColumns) -> Parameters | None:
    if not columns.frequencies:
        return None
    one = columns.frequencies[0]
    bounds = [(f"source-{one.name}-max", RARE), (f"source-{one.name}-missing", "keep")]
    return [("impact", "HIGH"), ("impact", "MODERATE"), *bounds]


PRESETS = (
    Preset(
        "clinvar-pathogenic",
        "ClinVar pathogenic",
        "Variants that a clinical source classifies as pathogenic or likely pathogenic.",
        _classified,
    ),
    Preset(
        "rare-protein-changing",
        "Rare and protein-changing",
        "Variants of HIGH or MODERATE impact whose allele frequency is at most 0.01, or that the source does not have.",
        _rare,
    ),
    Preset(
        "loss-of-function",
        "Loss of function",
        "Variants whose most severe consequence ablates a transcript, hits a splice site, gains or loses a stop, "
        "shifts the reading frame or loses the start.",
        lambda _: [("consequence", term) for term in LOSS_OF_FUNCTION],
    ),
    Preset(
        "known-for-disease",
        "Known for disease",
        "Variants that the reference's own table associates with a disease.",
        lambda _: [("known", "on")],
    ),
)


def offered(columns: ResultColumns) -> list[tuple[Preset, str]]:
    """Return the presets that make sense for a file, each with its part of the address after the question mark."""
    found = [(preset, preset.parameters(columns)) for preset in PRESETS]
    return [(preset, urlencode(parameters)) for preset, parameters in found if parameters is not None]
