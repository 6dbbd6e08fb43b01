"""Kinds of filters: what form fields a kind has, and the condition that their values make."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from gas.explorer.columns import ResultColumns

Values = Mapping[str, Any]
#: Most characters of all lists of words together: filters are sent in an address, which servers limit.
MOST_CHARACTERS = 4_000
#: Bounds of ranges that have none of their own.
LARGEST = 10**15
_WORD = re.compile(r"[\s,;]+")
#: What to do with variants that a range has no value for.
MISSING = (
    ("keep", "Keep variants without a value"),
    ("drop", "Leave out variants without a value"),
    ("only", "Only variants without a value"),
)


@dataclass(frozen=True)
class Condition:
    """A part of WHERE. sql: true, false or null; null counts as false. params: the values of its `?`."""

    sql: str
    params: tuple[Any, ...] = ()


def every(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that all hold."""
    if not conditions:
        return Condition("true")
    params = tuple(value for one in conditions for value in one.params)
    return Condition(" AND ".join(f"({one.sql})" for one in conditions), params)


def negated(condition: Condition) -> Condition:
    """Return the condition that another does not hold."""
    return Condition(f"NOT coalesce({condition.sql}, false)", condition.params)


def either(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that one or more hold."""
    if not conditions:
        return Condition("false")
    params = tuple(value for one in conditions for value in one.params)
    return Condition(" OR ".join(f"({one.sql})" for one in conditions), params)


def words(text: str) -> list[str]:
    """Return the distinct words of a list that a person typed or pasted."""
    return list(dict.fromkeys(word for word in _WORD.split(text) if word))


def _number(value: float) -> str:
    """Return a number as it is, without rounding, for people."""
    return f"{int(value) if value == int(value) else value:,}"


def placeholders(values: Sequence[Any]) -> str:
    """Return ?, ?, ?: one ? for each value."""
    return ", ".join("?" * len(values))


class WordsField(forms.CharField):
    """The field of a list of words. The form checks how long all lists are together.

    A browser cuts what is pasted to its maxlength without a word. The maxlength is one more than what is allowed, so
    that a list that was cut is refused.
    """

    def __init__(self, label: str, text: str, *, rows: int = 0) -> None:
        """rows: of the text area; 0 for a line of text."""
        attrs = {"maxlength": MOST_CHARACTERS + 1}
        widget = forms.Textarea(attrs={"rows": rows, **attrs}) if rows else forms.TextInput(attrs=attrs)
        super().__init__(required=False, label=label, help_text=text, widget=widget, strip=False)

    def to_python(self, value: Any) -> str:
        """Return the text with line ends of one character, as the browser counts them."""
        return str(super().to_python(value)).replace("\r\n", "\n")


@dataclass(frozen=True)
class Filter(ABC):
    """One filter.

    name: its form field and its parameter in addresses; filters with several fields add a suffix.
    group: the heading that it stands under.
    label: what people read next to the field.
    text: what it does, exactly, for people.
    """

    name: str
    group: str
    label: str
    text: str

    @abstractmethod
    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        """Return the form's fields by name; none if the file cannot be filtered by it."""

    @abstractmethod
    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        """Return the condition of cleaned values; None if they ask for nothing."""

    @abstractmethod
    def in_words(self, values: Values, columns: ResultColumns) -> str:
        """Return what the values ask for, for people; "" if nothing."""

    def errors(self, values: Values, columns: ResultColumns) -> dict[str, str]:
        """Return what is wrong with cleaned values, by field."""
        return {}


@dataclass(frozen=True)
class OneOf(Filter):
    """The value of a text column is one of those that are chosen.

    sql: the column, as SQL has it. choices: value and label, may depend on the file. exclude: none of them instead; a
    missing value is none of them. missing: the label of the choice for a missing value; "" for no such choice.
    """

    sql: str
    choices: Callable[[ResultColumns], Sequence[tuple[str, str]]]
    exclude: bool = False
    missing: str = ""

    #: The value of the choice for a missing value.
    NONE = "none"

    def _choices(self, columns: ResultColumns) -> list[tuple[str, str]]:
        more = [(self.NONE, self.missing)] if self.missing else []
        return [*self.choices(columns), *more]

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        choices = self._choices(columns)
        if not choices:
            return {}
        field = forms.MultipleChoiceField(choices=choices, required=False, label=self.label, help_text=self.text)
        return {self.name: field}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        chosen = values.get(self.name) or []
        if not chosen:
            return None
        named = tuple(value for value in chosen if value != self.NONE)
        parts = [Condition(f"{self.sql} IN ({placeholders(named)})", named)] if named else []
        if self.NONE in chosen:
            parts.append(Condition(f"{self.sql} IS NULL"))
        found = either(parts)
        return negated(found) if self.exclude else found

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        chosen = values.get(self.name) or []
        labels = [label for value, label in self._choices(columns) if value in chosen]
        return f"{self.label}: {'not ' if self.exclude else ''}{' or '.join(labels)}" if labels else ""


@dataclass(frozen=True)
class Listed(Filter):
    """A list of words; a variant matches if the column has any of them.

    sql: a condition with one `?` for the list of words.
    """

    sql: str

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        return {self.name: WordsField(self.label, self.text)}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        found = words(values.get(self.name) or "")
        return Condition(self.sql, (found,)) if found else None

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        found = words(values.get(self.name) or "")
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        return f"{self.label}: {' or '.join(found[:5])}{more}" if found else ""


@dataclass(frozen=True)
class Range(Filter):
    """A number column lies within bounds, both included; and what becomes of rows without a value.

    sql: the column, as SQL has it. whole: bounds are whole numbers. low, high: of what makes sense, for the form.
    """

    sql: str
    whole: bool = False
    low: float | None = None
    high: float | None = None

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        kind = forms.IntegerField if self.whole else forms.FloatField

        def bound(label: str) -> forms.Field:
            low = -LARGEST if self.low is None else self.low
            limits = {"min_value": low, "max_value": LARGEST if self.high is None else self.high}
            return kind(required=False, label=f"{self.label}, {label}", help_text=self.text, **limits)  # type: ignore[arg-type]

        missing = forms.ChoiceField(
            choices=[("", "Choose"), *MISSING], required=False, label=f"{self.label}: no value", help_text=self.text
        )
        return {
            f"{self.name}-min": bound("at least"),
            f"{self.name}-max": bound("at most"),
            f"{self.name}-missing": missing,
        }

    def _read(self, values: Values) -> tuple[float | None, float | None, str]:
        low, high, missing = (values.get(f"{self.name}-{part}") for part in ("min", "max", "missing"))
        return low, high, missing or ""

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        low, high, missing = self._read(values)
        if missing == "only":
            return Condition(f"{self.sql} IS NULL")
        if low is None and high is None:
            return Condition(f"{self.sql} IS NOT NULL") if missing == "drop" else None
        inside, outside = (">=", "<="), ("<", ">")
        signs = inside if missing == "drop" else outside
        bounds = zip(signs, (low, high), strict=True)
        parts = [Condition(f"{self.sql} {sign} ?", (value,)) for sign, value in bounds if value is not None]
        # "not outside" is faster than "inside or null"
        return (
            every(parts) if missing == "drop" else Condition(f"({either(parts).sql}) IS NOT TRUE", either(parts).params)
        )

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        low, high, missing = self._read(values)
        if missing == "only":
            return f"{self.label}: no value"
        bounds = [
            f"at least {_number(low)}" if low is not None else "",
            f"at most {_number(high)}" if high is not None else "",
        ]
        text = " and ".join(one for one in bounds if one)
        if not text:
            return f"{self.label}: any value" if missing == "drop" else ""
        return f"{self.label}: {text}{'' if missing == 'drop' else ', or no value'}"

    def errors(self, values: Values, columns: ResultColumns) -> dict[str, str]:
        low, high, missing = self._read(values)
        has_bound = low is not None or high is not None
        if has_bound and not missing:
            return {f"{self.name}-missing": "Say what to do with variants that have no value here."}
        if has_bound and missing == "only":
            return {f"{self.name}-missing": "Variants without a value cannot lie within bounds: remove the bounds."}
        if low is not None and high is not None and low > high:
            return {f"{self.name}-max": "The upper bound is below the lower one."}
        return {}


@dataclass(frozen=True)
class Contains(Filter):
    """Any of some texts contains what is typed, in whatever case. sql: a list of expressions."""

    sql: tuple[str, ...]

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        return {self.name: forms.CharField(required=False, label=self.label, help_text=self.text, max_length=200)}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        text = (values.get(self.name) or "").strip()
        if not text:
            return None
        return either([Condition(f"contains(lower({one}), lower(?))", (text,)) for one in self.sql])

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        text = (values.get(self.name) or "").strip()
        return f"{self.label}: “{text}”" if text else ""


@dataclass(frozen=True)
class Flag(Filter):
    """A box to tick. sql: the condition if it is ticked."""

    sql: str

    def fields(self, columns: ResultColumns) -> dict[str, forms.Field]:
        return {self.name: forms.BooleanField(required=False, label=self.label, help_text=self.text)}

    def condition(self, values: Values, columns: ResultColumns) -> Condition | None:
        return Condition(self.sql) if values.get(self.name) else None

    def in_words(self, values: Values, columns: ResultColumns) -> str:
        return self.label if values.get(self.name) else ""
