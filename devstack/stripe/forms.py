"""Stripe's form encoding: nested names such as line_items[0][price], and what is asked of their values."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devstack.stripe.errors import invalid, required, unknown

Params = dict[str, Any]
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_MOST_KEYS, _LONGEST_KEY, _LONGEST_VALUE = 50, 40, 500


def parse(pairs: Iterable[tuple[str, str]]) -> Params:
    """Nested mappings of text. A list is a mapping by position, for only its reader knows that it is one."""
    result: Params = {}
    for name, value in pairs:
        found = _NAME.fullmatch(name)
        if found is None:
            raise invalid(f"Invalid parameter name: {name}", name)
        *path, last = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        place = result
        for part in path:
            inner = place.setdefault(part or str(len(place)), {})
            if not isinstance(inner, dict):
                raise invalid(f"Invalid object: {name}", name)
            place = inner
        place[last or str(len(place))] = value
    return result


class Reader:
    """The parameters of one request, read by type; `within` is the name of the mapping that they are in."""

    def __init__(self, params: Mapping[str, Any], allowed: Iterable[str], within: str = "") -> None:
        self._params, self._within = params, within
        extra = next((name for name in params if name not in set(allowed)), None)
        if extra is not None:
            raise unknown(self.name(extra))

    def name(self, part: str) -> str:
        return f"{self._within}[{part}]" if self._within else part

    def __contains__(self, part: str) -> bool:
        return part in self._params

    def text(self, part: str, *, most: int = 5000) -> str | None:
        """None if it is not there, or there to be emptied."""
        value = self._params.get(part)
        if value is not None and not isinstance(value, str):
            raise invalid("Invalid string", self.name(part))
        if value and len(value) > most:
            raise invalid(f"Invalid string: must be at most {most} characters", self.name(part))
        return value or None

    def needed(self, part: str) -> str:
        value = self.text(part)
        if value is None:
            raise required(self.name(part))
        return value

    def choice(self, part: str, allowed: tuple[str, ...], default: str | None = None) -> str | None:
        value = self.text(part) or default
        if value is not None and value not in allowed:
            raise invalid(f"Invalid {self.name(part)}: must be one of {', '.join(allowed)}", self.name(part))
        return value

    def integer(self, part: str, *, least: int = 0, most: int = 2**53, default: int | None = None) -> int | None:
        value = self.text(part)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d+", value) or not least <= int(value) <= most:
            raise invalid(f"Invalid integer: {value}", self.name(part))
        return int(value)

    def boolean(self, part: str, *, default: bool | None = None) -> bool | None:
        value = self.text(part)
        if value not in {None, "true", "false"}:
            raise invalid(f"Invalid boolean: {value}", self.name(part))
        return default if value is None else value == "true"

    def url(self, part: str) -> str | None:
        value = self.text(part)
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise invalid("Not a valid URL", self.name(part))
        return value

    def group(self, part: str, allowed: Iterable[str]) -> "Reader":
        """The mapping of this name; empty if there is none."""
        value = self._params.get(part) or {}
        if not isinstance(value, Mapping):
            raise invalid("Invalid object", self.name(part))
        return Reader(value, allowed, self.name(part))

    def groups(self, part: str, allowed: Iterable[str]) -> Iterator["Reader"]:
        """The mappings of a list."""
        names = tuple(allowed)
        for index, value in enumerate(self._listed(part)):
            if not isinstance(value, Mapping):
                raise invalid("Invalid object", self.name(part))
            yield Reader(value, names, f"{self.name(part)}[{index}]")

    def texts(self, part: str) -> list[str]:
        values = self._listed(part)
        if not all(isinstance(value, str) for value in values):
            raise invalid("Invalid array", self.name(part))
        return values

    def _listed(self, part: str) -> list[Any]:
        value = self._params.get(part) or {}
        if not isinstance(value, Mapping) or not all(key.isdecimal() for key in value):
            raise invalid("Invalid array", self.name(part))
        return [value[key] for key in sorted(value, key=int)]

    def metadata(self, old: Mapping[str, str] | None = None, part: str = "metadata") -> dict[str, str]:
        """`old` as the request changes it: an empty value takes a key away, an empty `metadata` all of them."""
        value = self._params.get(part)
        if value == "":
            return {}
        changed = dict(old or {})
        for key, text in (value or {}).items():
            if not isinstance(text, str) or len(key) > _LONGEST_KEY or len(text) > _LONGEST_VALUE:
                raise invalid(
                    f"Metadata keys have at most {_LONGEST_KEY} characters, values {_LONGEST_VALUE}.", self.name(part)
                )
            changed[key] = text
        if len(changed) > _MOST_KEYS:
            raise invalid(f"Metadata has at most {_MOST_KEYS} keys.", self.name(part))
        return {key: text for key, text in changed.items() if text}

    def span(self, part: str) -> "Span":
        """A time, or a mapping with gt, gte, lt, lte."""
        value = self._params.get(part)
        if isinstance(value, str):
            exact = self.integer(part)
            return Span(gte=exact, lte=exact)
        inner = self.group(part, ("gt", "gte", "lt", "lte"))
        after, before = inner.integer("gt"), inner.integer("lt")
        return Span(
            gte=inner.integer("gte") if after is None else after + 1,
            lte=inner.integer("lte") if before is None else before - 1,
        )


class Span:
    """Of Unix seconds, both ends in it; None is open."""

    def __init__(self, gte: int | None, lte: int | None) -> None:
        self.gte, self.lte = gte, lte

    def __contains__(self, at: int) -> bool:
        return (self.gte is None or at >= self.gte) and (self.lte is None or at <= self.lte)
