"""Which classifications make a finding, and which fields of a source hold them."""

import pytest

from annotator.sources.errors import SourceError
from annotator.sources.fields import Wanted
from annotator.sources.findings import COUNTED, Significance, classify, readable
from annotator.sources.presets import PRESETS
from annotator.sources.roles import CLINVAR_PAGE, Roles, as_manifest, of_manifest, parse_roles, recognised

CLASSES = {
    "Pathogenic": "pathogenic",
    "pathogenic": "pathogenic",
    "Pathogenic/Likely_pathogenic": "pathogenic",
    "Pathogenic/Likely_pathogenic/Pathogenic%2C_low_penetrance|other": "pathogenic",
    "Pathogenic|drug_response": "pathogenic",
    "Likely_pathogenic": "likely_pathogenic",
    "Likely_pathogenic%2C_low_penetrance": "likely_pathogenic",
    "Likely_pathogenic|risk_factor": "likely_pathogenic",
    "Conflicting_classifications_of_pathogenicity": "conflicting",
    "Conflicting_interpretations_of_pathogenicity|other": "conflicting",
    "Pathogenic&Benign": "conflicting",
    "Likely_pathogenic&Uncertain_significance": "conflicting",
    "Uncertain_significance": "uncertain",
    "Uncertain_significance/Uncertain_risk_allele": "uncertain",
    "Benign/Likely_benign": "benign",
    "Benign|association": "benign",
    "risk_factor": "other",
    "not_provided": "other",
    "no_classification_for_the_single_variant": "other",
    "Not_pathogenic": "other",
    "": "other",
}


@pytest.mark.parametrize("value", CLASSES)
def test_what_a_classification_comes_to(value: str) -> None:
    assert classify(value) == CLASSES[value]


def test_only_pathogenic_and_likely_pathogenic_are_findings() -> None:
    assert {Significance.PATHOGENIC, Significance.LIKELY_PATHOGENIC} == COUNTED


def test_values_are_read_as_people_write_them() -> None:
    assert readable("Charcot-Marie-Tooth_disease%2C_type_2A2|not_provided") == (
        "Charcot-Marie-Tooth disease, type 2A2; not provided"
    )
    assert readable("Sjögren_syndrome".encode().decode("latin-1")) == "Sjögren syndrome"


def test_clinvar_has_all_roles_and_a_source_of_frequencies_has_none() -> None:
    roles = recognised(PRESETS["clinvar"].fields)
    assert roles == Roles("CLNSIG", "CLNREVSTAT", "CLNDN", "CLNVID", CLINVAR_PAGE)
    assert roles.address("17") == "https://www.ncbi.nlm.nih.gov/clinvar/variation/17/"
    assert recognised(PRESETS["gnomad"].fields) == Roles()
    # A manifest of a version before roles has none, and its fields are known by their names.
    assert of_manifest(None, PRESETS["clinvar"].fields) == roles
    assert of_manifest(as_manifest(roles), ()) == roles
    # Under a tag of its own; another table's ID is not ClinVar's.
    assert recognised([Wanted("CLNSIG", "lab_SIG"), Wanted("ID", "lab_ID")]) == Roles(significance="lab_SIG")


@pytest.mark.parametrize("id_", ["", "1 2", "1/../..", "x" * 61, '"onclick', "1\x1b"])
def test_a_link_is_made_of_plain_ids_only(id_: str) -> None:
    assert recognised(PRESETS["clinvar"].fields).address(id_) == ""


FIELDS = (Wanted("CLASS", "lab_CLASS"), Wanted("DIS", "lab_DIS"), Wanted("ID", "lab_ID"))


def test_roles_can_be_told_of_fields_with_other_names() -> None:
    found = parse_roles("significance=CLASS, condition=DIS,id=ID", "https://lab.example/v/{}", FIELDS)
    assert found == Roles("lab_CLASS", "", "lab_DIS", "lab_ID", "https://lab.example/v/{}")
    assert found.address("a:1") == "https://lab.example/v/a%3A1"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("significance=NONE", ""),
        ("meaning=CLASS", ""),
        ("condition=DIS", ""),
        ("significance", ""),
        ("significance=CLASS", "https://lab.example/{}"),
        ("significance=CLASS,id=ID", "javascript:alert({})"),
        ("significance=CLASS,id=ID", "https://lab.example/"),
    ],
)
def test_roles_that_cannot_be_are_refused(text: str, link: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_roles(text, link, FIELDS)
    assert caught.value.code == "bad-request"
