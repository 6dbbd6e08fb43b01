"""The rules of inheritance against brute force over random trios."""

from collections.abc import Callable
from itertools import product

import pytest

from gas.explorer import query
from tests.support.annotated_vcf import Allele
from tests.support.explored import Explored

#: What X shares with Y, on GRCh38.
SHARED = (range(10_001, 2_781_480), range(155_701_383, 156_030_896))


def is_on_x(one: Allele) -> bool:
    return one.contig == "chrX" and not any(one.pos in part for part in SHARED)


def of_autosomes(one: Allele) -> bool:
    return one.contig != "chrM" and not is_on_x(one)


def zygosity(one: Allele) -> tuple[str | None, str | None, str | None]:
    return tuple(one.people[name].zygosity for name in ("kid", "mum", "dad"))  # type: ignore[return-value]


def de_novo(alleles: list[Allele], *_: bool) -> list[Allele]:
    return [one for one in alleles if zygosity(one) in {("het", "absent", "absent"), ("hom", "absent", "absent")}]


def recessive(alleles: list[Allele], mum: bool, dad: bool) -> list[Allele]:
    wanted = ("hom", "hom" if mum else "het", "hom" if dad else "het")
    return [one for one in alleles if zygosity(one) == wanted and of_autosomes(one)]


def compound(alleles: list[Allele], *_: bool) -> list[Allele]:
    """Look at every pair of variants of a gene."""
    found = []
    here = [one for one in alleles if of_autosomes(one)]
    for one, other in product(here, here):
        if set(one.genes).isdisjoint(other.genes):
            continue
        pair = {zygosity(one), zygosity(other)}
        if pair == {("het", "het", "absent"), ("het", "absent", "het")}:
            found.append(one)
    return list({one.number: one for one in found}.values())


def x_linked(alleles: list[Allele], mum: bool, dad: bool) -> list[Allele]:
    wanted = ("hom", "hom" if mum else "het", "hom" if dad else "absent")
    return [one for one in alleles if is_on_x(one) and zygosity(one) == wanted]


def dominant(alleles: list[Allele], mum: bool, dad: bool) -> list[Allele]:
    def fits(kind: str | None, affected: bool) -> bool:
        return kind in ({"het", "hom"} if affected else {"absent"})

    found = []
    for one in alleles:
        kid, mother, father = zygosity(one)
        if kid == "het" and (mum or dad) and fits(mother, mum) and fits(father, dad):
            found.append(one)
    return found


RULES: dict[str, Callable[..., list[Allele]]] = {
    "de-novo": de_novo,
    "recessive": recessive,
    "compound": compound,
    "x-linked": x_linked,
    "dominant": dominant,
}
WITH_AFFECTED = [(False, False), (True, False), (False, True), (True, True)]


@pytest.fixture(scope="module")
def trio(explore: Callable[..., Explored]) -> Explored:
    """Genotypes that make families likely, and some that are not called."""
    return explore(1200, 3, genotypes=("0/1", "0/1", "0/0", "0/0", "0/0", "1/1", "1", "./.", "1|0", "1/2"))


def listed(trio: Explored, text: str) -> list[int]:
    columns = trio.database.columns.chosen(["pos"])
    return [row["row_number"] for row in query.page(trio.database, trio.state(text), columns, size=500).rows]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_what_brute_force_finds(trio: Explored, rule: str) -> None:
    found_any = False
    for mum, dad in WITH_AFFECTED:
        if rule == "dominant" and not (mum or dad):
            continue
        wanted = sorted(one.number for one in RULES[rule](trio.alleles, mum, dad))
        text = f"family-rule={rule}&family-proband=1&family-mother=2&family-father=3"
        text += "&family-mother-affected=on" * mum + "&family-father-affected=on" * dad
        assert listed(trio, text) == wanted[:500]
        found_any |= bool(wanted)
    assert found_any


def test_several_rules_find_what_any_of_them_finds(trio: Explored) -> None:
    wanted = {one.number for one in [*de_novo(trio.alleles), *compound(trio.alleles)]}
    people = "family-proband=1&family-mother=2&family-father=3"
    assert listed(trio, f"family-rule=de-novo&family-rule=compound&{people}") == sorted(wanted)[:500]


def test_both_hits_of_a_compound_satisfy_the_other_filters(trio: Explored) -> None:
    text = "family-rule=compound&family-proband=1&family-mother=2&family-father=3&impact=HIGH&impact=MODERATE"
    left = [one for one in trio.alleles if query.IMPACT.get(one.term) in {"HIGH", "MODERATE"}]
    wanted = sorted(one.number for one in compound(left))
    assert listed(trio, text) == wanted
    assert 0 < len(wanted) < len(compound(trio.alleles))


def test_a_parent_who_is_not_named_says_nothing(trio: Explored) -> None:
    wanted = [one.number for one in trio.alleles if zygosity(one)[:2] == ("hom", "het") and of_autosomes(one)]
    assert listed(trio, "family-rule=recessive&family-proband=1&family-mother=2") == wanted


def test_the_people_of_a_family_are_those_that_are_named(trio: Explored) -> None:
    wanted = [one.number for one in trio.alleles if zygosity(one)[0] == zygosity(one)[2] == "absent"]
    wanted = [number for number in wanted if zygosity(trio.alleles[number])[1] in {"het", "hom"}]
    assert listed(trio, "family-rule=de-novo&family-proband=2&family-mother=1&family-father=3") == wanted[:500]
