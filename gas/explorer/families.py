"""Inheritance in a family: each rule once, with its exact text.

The proband is affected. A parent who is not named says nothing: rules that need that parent find nothing. A rule holds
for one allele, by the `zygosity` of each person in `annotator.tables.schema`; where a person that it looks at is not
called, it does not hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django import forms

from gas.explorer.columns import ResultColumns, quoted
from gas.explorer.database import TABLE
from gas.explorer.filter_kinds import Condition, Filter, Values, either, every

#: Parts of the X chromosome that it shares with Y, by its length: GRCh37, GRCh38, T2T-CHM13. 1-based and included.
PSEUDOAUTOSOMAL = {
    155_270_560: ((60_001, 2_699_520), (154_931_044, 155_260_560)),
    156_040_895: ((10_001, 2_781_479), (155_701_383, 156_030_895)),
    154_259_566: ((1, 2_394_410), (153_925_835, 154_259_566)),
}
_MITOCHONDRIA = ("MT", "M", "chrM", "chrMT", "NC_012920.1")


@dataclass(frozen=True)
class Person:
    """Somebody of the family. zygosity: the column, as SQL has it."""

    zygosity: str
    affected: bool

    def has(self, *kinds: str) -> Condition:
        """Return the condition that this person's zygosity is one of these."""
        return Condition(f"{self.zygosity} IN ({', '.join('?' * len(kinds))})", kinds)


@dataclass(frozen=True)
class Trio:
    """A proband, and the parents that are named."""

    proband: Person
    mother: Person | None
    father: Person | None
    columns: ResultColumns

    @property
    def parents(self) -> list[Person]:
        return [one for one in (self.mother, self.father) if one is not None]


NEVER = Condition("false")


def x_names(columns: ResultColumns) -> list[str]:
    """Return the file's names of the X chromosome."""
    return [name for name in columns.contigs if name.casefold().removeprefix("chr") == "x" or name[:10] == "NC_000023."]


def _on(contigs: Sequence[str]) -> Condition:
    return Condition(f"contig IN ({', '.join('?' * len(contigs))})", tuple(contigs)) if contigs else NEVER


def on_x(columns: ResultColumns) -> Condition:
    """Return the condition that a variant starts on X, outside of the parts that X shares with Y."""
    names = x_names(columns)
    lengths = dict(columns.metadata.contigs)
    parts = [
        Condition("NOT pos BETWEEN ? AND ?", span) for name in names for span in PSEUDOAUTOSOMAL.get(lengths[name], ())
    ]
    return every([_on(names), *parts])


def _autosomal(columns: ResultColumns) -> Condition:
    outside = [name for name in columns.contigs if name in _MITOCHONDRIA]
    x = on_x(columns)
    parts = [Condition(f"NOT coalesce({x.sql}, false)", x.params)]
    if outside:
        on = _on(outside)
        parts.append(Condition(f"NOT ({on.sql})", on.params))
    return every(parts)


def _de_novo(trio: Trio, _: Condition) -> Condition:
    if trio.mother is None or trio.father is None:
        return NEVER
    return every([trio.proband.has("het", "hom"), trio.mother.has("absent"), trio.father.has("absent")])


def _recessive(trio: Trio, _: Condition) -> Condition:
    parents = [one.has("hom") if one.affected else one.has("het") for one in trio.parents]
    return every([trio.proband.has("hom"), *parents, _autosomal(trio.columns)])


def _compound(trio: Trio, rest: Condition) -> Condition:
    if trio.mother is None or trio.father is None:
        return NEVER
    proband, autosomal = trio.proband.has("het"), _autosomal(trio.columns)
    of_mother = every([trio.mother.has("het"), trio.father.has("absent")])
    of_father = every([trio.father.has("het"), trio.mother.has("absent")])
    candidates = every([rest, proband, autosomal, either([of_mother, of_father])])
    hits = (
        f"SELECT gene FROM (SELECT unnest(genes) AS gene, ({of_mother.sql}) AS maternal FROM {TABLE} "  # noqa: S608
        f"WHERE {candidates.sql}) GROUP BY gene HAVING bool_or(maternal) AND bool_or(NOT maternal)"
    )
    in_gene = Condition(
        f"list_has_any(genes, (SELECT coalesce(list(gene), []) FROM ({hits})))",  # noqa: S608
        (*of_mother.params, *candidates.params),
    )
    return every([proband, autosomal, either([of_mother, of_father]), in_gene])


def _x_linked(trio: Trio, _: Condition) -> Condition:
    parts = [on_x(trio.columns), trio.proband.has("hom")]
    if trio.mother is not None:
        parts.append(trio.mother.has("hom") if trio.mother.affected else trio.mother.has("het"))
    if trio.father is not None:
        parts.append(trio.father.has("hom") if trio.father.affected else trio.father.has("absent"))
    return every(parts)


def _dominant(trio: Trio, _: Condition) -> Condition:
    if not any(one.affected for one in trio.parents):
        return NEVER
    parents = [one.has("het", "hom") if one.affected else one.has("absent") for one in trio.parents]
    return every([trio.proband.has("het"), *parents])


@dataclass(frozen=True)
class Rule:
    """A way of inheritance.

    name: its value in the form. text: the exact rule, for people.
    condition: of a trio and of all other filters.
    """

    name: str
    label: str
    text: str
    condition: Callable[[Trio, Condition], Condition]


RULES = (
    Rule(
        "de-novo",
        "De novo",
        "The proband has the allele (heterozygous or homozygous); mother and father are both named, called, and do not "
        "have it.",
        _de_novo,
    ),
    Rule(
        "recessive",
        "Homozygous recessive",
        "The proband is homozygous. Each named parent is heterozygous, or homozygous if affected. Not on mitochondria, "
        "and on X only in the parts that it shares with Y.",
        _recessive,
    ),
    Rule(
        "compound",
        "Compound heterozygous",
        "The proband is heterozygous for two or more variants of one gene. For at least one of them the mother is "
        "heterozygous and the father called without it, and for at least one the father is heterozygous and the mother "
        "called without it. All other filters hold for these variants. A gene is one that the allele touches in any "
        "transcript. Not on mitochondria, and on X only in the parts that it shares with Y.",
        _compound,
    ),
    Rule(
        "x-linked",
        "X-linked",
        "On X, outside of the parts that it shares with Y: the proband has no other allele (hemizygous or homozygous). "
        "A named mother is heterozygous, or homozygous if affected; a named father is called without the allele, or "
        "has no other if affected.",
        _x_linked,
    ),
    Rule(
        "dominant",
        "Dominant",
        "The proband is heterozygous. At least one named parent is affected; each affected parent has the allele "
        "(heterozygous or homozygous), and each other named parent is called without it.",
        _dominant,
    ),
)


@dataclass(frozen=True)
class Family(Filter):
    """The members of a family, and the ways of inheritance; a variant matches if any of these holds."""

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        people = [("", "Nobody"), *((str(number), name) for number, name in enumerate(columns.samples, 1))]

        def person(label: str) -> forms.Field:
            return forms.ChoiceField(choices=people, required=False, label=label)

        def affected(label: str) -> forms.Field:
            return forms.BooleanField(required=False, label=label)

        rules = [(rule.name, rule.label) for rule in RULES]
        return {
            f"{self.name}-proband": person("Proband"),
            f"{self.name}-mother": person("Mother"),
            f"{self.name}-mother-affected": affected("Mother is affected"),
            f"{self.name}-father": person("Father"),
            f"{self.name}-father-affected": affected("Father is affected"),
            f"{self.name}-rule": forms.MultipleChoiceField(
                choices=rules, required=False, label=self.label, help_text=self.text
            ),
        }

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        """As if there were no other filters; see `among`."""
        return self.among(Condition("true"), values, columns)

    def among(self, rest: Condition, values: Values, columns: ResultColumns) -> Condition | None:
        """Return the condition that one of the chosen rules holds. rest: what all other filters ask for."""
        chosen = values.get(f"{self.name}-rule") or []
        proband = self._person("proband", values)
        if not chosen or proband is None:
            return None
        trio = Trio(proband, self._person("mother", values), self._person("father", values), columns)
        return either([rule.condition(trio, rest) for rule in RULES if rule.name in chosen])

    def _person(self, role: str, values: Values) -> Person | None:
        number = values.get(f"{self.name}-{role}") or ""
        if not number:
            return None
        affected = role == "proband" or bool(values.get(f"{self.name}-{role}-affected"))
        return Person(quoted(f"s{int(number)}_zygosity"), affected)

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        chosen = [rule.label for rule in RULES if rule.name in (values.get(f"{self.name}-rule") or [])]
        if not chosen or not values.get(f"{self.name}-proband"):
            return ""
        people = []
        for role in ("proband", "mother", "father"):
            if number := values.get(f"{self.name}-{role}"):
                affected = " (affected)" if role != "proband" and values.get(f"{self.name}-{role}-affected") else ""
                people.append(f"{role} {columns.samples[int(number) - 1]}{affected}")
        return f"{self.label}: {' or '.join(chosen)}; {', '.join(people)}"

    def errors(self, values: Values, columns: ResultColumns) -> dict[str, str]:
        rules = values.get(f"{self.name}-rule") or []
        people = {role: values.get(f"{self.name}-{role}") for role in ("proband", "mother", "father")}
        if rules and not people["proband"]:
            return {f"{self.name}-proband": "Name the proband."}
        named = [one for one in people.values() if one]
        if len(named) != len(set(named)):
            return {f"{self.name}-proband": "Proband, mother and father are different samples."}
        both = bool(people["mother"] and people["father"])
        if not both and {"de-novo", "compound"} & set(rules):
            return {f"{self.name}-rule": "De novo and compound heterozygous need both parents."}
        is_affected = any(people[role] and values.get(f"{self.name}-{role}-affected") for role in ("mother", "father"))
        if "dominant" in rules and not is_affected:
            return {f"{self.name}-rule": "Dominant inheritance needs a parent who is affected."}
        return {}
