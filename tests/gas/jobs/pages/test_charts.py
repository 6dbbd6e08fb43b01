"""The colours of consequences come from the annotator's table of terms."""

import logging
from pathlib import Path

import pytest

from annotator.effects.terms import IMPACT
from gas.jobs.templatetags.charts import impact

CSS = Path(__file__).resolve().parents[4] / "gas" / "frontend" / "css" / "charts.css"


@pytest.mark.parametrize("term", IMPACT)
def test_every_term_has_the_impact_of_the_table(term: str) -> None:
    assert impact(term) == IMPACT[term].lower()


def test_the_most_severe_of_several_terms_decides() -> None:
    assert impact("intron_variant&splice_donor_variant") == "high"


def test_a_term_that_the_table_lacks_is_unknown_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gas.jobs.templatetags.charts"):
        assert impact("made_up_variant") == "unknown"
        assert impact("made_up_variant&stop_gained") == "high"
    assert caplog.text.count("made_up_variant") == 2


def test_every_impact_has_a_colour() -> None:
    css = CSS.read_text()
    for name in (*{impact(term) for term in IMPACT}, "unknown"):
        assert f".impact-{name} {{" in css
