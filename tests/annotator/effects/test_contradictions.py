"""Terms and descriptions of one effect never contradict each other; if they did, the descriptions are not written."""

import logging

import pytest

from annotator.effects.allele import Change
from annotator.effects.contradictions import contradiction
from annotator.effects.effect import Effect
from annotator.run import composer
from tests.support.small_vcfs import Annotate, vcf
from tests.support.vep_differences import pairs

SNV = Change(100, "A", "G")


def test_no_effect_on_real_gene_models_contradicts_itself() -> None:
    found = [fault for pair in pairs() if pair.ours and (fault := contradiction(pair.ours, pair.change))]
    assert found == []
    assert len(pairs()) > 60_000


@pytest.mark.parametrize(
    "effect",
    [
        Effect(("intron_variant",), "c.-10A>G", intron="1/2"),
        Effect(("missense_variant",), "c.93+1A>G", "p.Lys5Arg", exon="1/2"),
        Effect(("5_prime_UTR_variant",), "c.10A>G", exon="1/2"),
        Effect(("missense_variant",), "c.*10A>G", "p.Lys5Arg", exon="1/2"),
        Effect(("synonymous_variant",), "c.15A>G", "p.Lys5Arg", exon="1/2"),
        Effect(("missense_variant",), "c.15A>G", "p.Lys5=", exon="1/2"),
        Effect(("intron_variant",), "c.93+10A>G", "p.Lys5Arg", intron="1/2"),
        Effect(("start_lost",), "c.1A>G", "p.Met1Val", exon="1/2"),
        Effect(("missense_variant",), "c.1A>G", "p.Met1?", exon="1/2"),
    ],
)
def test_contradictions_are_found(effect: Effect) -> None:
    assert contradiction(effect, SNV)


@pytest.mark.parametrize(
    "effect",
    [
        Effect(("missense_variant",), "c.15A>G", "p.Lys5Arg", exon="1/2"),
        Effect(("intron_variant",), "c.93+10A>G", intron="1/2"),
        Effect(("stop_retained_variant", "3_prime_UTR_variant"), "c.*1A>G", "p.Ter5=", exon="2/2"),
        Effect(("non_coding_transcript_exon_variant",), "n.15A>G", exon="1/2"),
    ],
)
def test_what_fits_is_no_contradiction(effect: Effect) -> None:
    assert contradiction(effect, SNV) == ""


def test_a_contradiction_is_logged_and_counted_and_not_written(
    run: Annotate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(composer, "contradiction", lambda *_: "made up")
    with caplog.at_level(logging.ERROR):
        result = run(vcf("MT 11778 . G A"))
    assert "p.Arg340His" not in result.info()["CSQ"]
    assert "GAS_HGVSP" not in result.info()
    assert result.info()["GAS_CSQ"] == "missense_variant"
    assert result.report.summary["contradictions"] == 1
    assert "made up" in caplog.text
