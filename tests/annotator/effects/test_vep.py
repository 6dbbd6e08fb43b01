"""Effects on real gene models, next to what Ensembl VEP says of them: see vep/README.md.

Every difference belongs to a class in tests/support/vep_differences.py, with who is right and why.
"""

from collections import Counter

from tests.support.vep_differences import RANK, class_of, pairs, protein_class_of


def test_the_most_severe_term_of_each_transcript_is_that_of_vep() -> None:
    different = [pair for pair in pairs() if pair.our_worst != pair.worst]
    classes = Counter(map(class_of, different))

    assert len(pairs()) > 70_000
    assert len(different) / len(pairs()) < 0.01
    assert not classes[""], [pair for pair in different if not class_of(pair)][:20]


def test_most_alleles_have_the_most_severe_term_of_vep() -> None:
    ours: dict[tuple[str, str, int, str, str], set[str]] = {}
    theirs: dict[tuple[str, str, int, str, str], set[str]] = {}
    explained = set()
    for pair in pairs():
        ours.setdefault(pair.allele, set()).update(pair.ours.terms if pair.ours else ())
        theirs.setdefault(pair.allele, set()).update(pair.terms)
        if pair.our_worst != pair.worst and class_of(pair):
            explained.add(pair.allele)
    same = {
        allele
        for allele, terms in theirs.items()
        if ours[allele] and min(ours[allele], key=RANK.__getitem__) == min(terms, key=RANK.__getitem__)
    }

    assert len(same) / len(theirs) > 0.98
    assert len(same | explained) / len(theirs) > 0.997


def test_descriptions_on_the_transcript_are_those_of_vep() -> None:
    both = [pair for pair in pairs() if pair.ours and pair.ours.hgvs_c and pair.hgvs_c]
    different = [pair for pair in both if pair.ours and pair.ours.hgvs_c != pair.hgvs_c]

    assert len(both) > 69_000
    assert len(different) < 20


def test_descriptions_of_the_protein_are_those_of_vep() -> None:
    both = [pair for pair in pairs() if pair.p and pair.hgvs_p]
    different = [pair for pair in both if pair.p != pair.hgvs_p]
    classes = Counter(map(protein_class_of, different))

    assert len(both) > 16_900
    assert len(different) / len(both) < 0.065
    assert not classes[""], [pair for pair in different if not protein_class_of(pair)][:20]


def test_a_term_and_a_description_never_name_different_places() -> None:
    for pair in pairs():
        ours = pair.ours
        if ours is None:
            continue
        terms = set(ours.terms)
        if "synonymous_variant" in terms or "start_retained_variant" in terms:
            assert not ours.hgvs_p or ours.hgvs_p.endswith("="), pair
        if "missense_variant" in terms and ours.hgvs_p:
            assert not ours.hgvs_p.endswith(("=", "Ter", "?")), pair
        if "stop_lost" in terms and ours.hgvs_p:
            assert "ext" in ours.hgvs_p or "fs" in ours.hgvs_p, pair
        if ours.hgvs_p == "p.Met1?":
            assert "start_lost" in terms, pair
        if terms <= {"intron_variant", "5_prime_UTR_variant", "3_prime_UTR_variant"}:
            assert not ours.hgvs_p, pair
