"""How the time of a regular expression grows with the length of a text, tried on texts that are made for it.

`attacks(pattern)` reads the pattern's own tree. For each of its repeats it makes a text that leads up to the repeat,
pieces that the repeat can take, and endings after which the whole may not match, so that `re` tries every other way.
`faults(pattern, method)` times them: a pattern in which two ways lead through the same text is much too slow in one.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

AnyPattern = re.Pattern[str] | re.Pattern[bytes]

#: How often a piece is repeated. Small numbers come first: an exponential pattern would never end with large ones.
COUNTS = (6, 9, 12, 16, 24, 200, 1000)
FREE, PER_LETTER = 60e-6, 0.5e-6  # seconds that a text may take, and each of its letters; ten times what most take
MOST_EXAMPLES = 10
MOST_ENDINGS = 6
LONG = 20_000  # letters of a text whose time is compared with that of one four times as long
MOST_GROWTH = 8  # of the time; it is 4 in a linear pattern, 16 in a quadratic one
_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
_LETTERS = [chr(code) for code in (*range(33, 127), 32, 9, 10, 13, *range(128, 256))]


@dataclass(frozen=True)
class Attack:
    """A text that grows: prefix, the piece a number of times, suffix."""

    prefix: str
    piece: str
    suffix: str

    def text(self, count: int) -> str:
        return self.prefix + self.piece * count + self.suffix


def attacks(pattern: AnyPattern) -> list[Attack]:
    """Return texts that may make the pattern slow."""
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    sets = _Sets(pattern.flags)
    letters = sets.representatives(tree)
    found: dict[Attack, None] = {}
    starts = [("", letter) for letter in letters]
    starts += [("", one) for one in _examples(tree, sets, letters)]
    for prefix, pieces in _repeats(tree, "", sets, letters):
        starts += [(prefix, piece) for piece in pieces]
        starts.append(("", prefix))
    for prefix, piece in starts:
        if piece:
            found |= dict.fromkeys(Attack(prefix, piece, suffix) for suffix in ("", *letters[:MOST_ENDINGS]))
    return list(found)


def faults(pattern: AnyPattern, method: str) -> list[str]:
    """Return what shows that the time of a method, such as "search", grows faster than the text; [] for nothing."""
    call = _call(pattern, method)
    encode = isinstance(pattern.pattern, bytes)
    slowest: list[tuple[float, Attack]] = []
    for attack in attacks(pattern):
        seconds = 0.0
        for count in COUNTS:
            text = attack.text(count)
            seconds = _seconds(call, text, encode, FREE + PER_LETTER * len(text))
            if seconds > FREE + PER_LETTER * len(text):
                return [f"{pattern.pattern!r}.{method}: {seconds:.4f} s for {count} times {attack}"]
        slowest.append((seconds / len(text), attack))
    slowest.sort(key=lambda pair: pair[0], reverse=True)
    return [fault for _, attack in slowest[:3] if (fault := _grows(call, attack, encode))]


def _grows(call: Callable[[Any], object], attack: Attack, encode: bool) -> str:
    """Compare a text with one that is four times as long."""
    count = LONG // len(attack.piece) + 1
    growth = 0.0
    for _ in range(4):  # what else the machine does makes a measurement longer, never shorter
        short = _seconds(call, attack.text(count), encode, 0)
        growth = _seconds(call, attack.text(4 * count), encode, 0) / max(short, 1e-6)
        if growth <= MOST_GROWTH:
            return ""
    return f"{growth:.1f} times as long for a text that is four times as long: {attack}"


def _seconds(call: Callable[[Any], object], text: str, encode: bool, enough: float) -> float:
    """Return the shortest of some processor times; the first one that is not above `enough` will do."""
    given = text.encode("latin-1") if encode else text
    best = float("inf")
    for _ in range(5):
        begin = time.thread_time()
        call(given)
        best = min(best, time.thread_time() - begin)
        if best <= enough or best > 1:
            break
    return best


def _call(pattern: AnyPattern, method: str) -> Callable[[Any], object]:
    if method == "sub":
        return lambda text: pattern.sub(text[:0], text)
    if method == "finditer":
        return lambda text: list(pattern.finditer(text))
    found: Callable[[Any], object] = getattr(pattern, method)
    return found


# --- The pattern's tree


class _Sets:
    """Which letters a node that takes one letter can take."""

    def __init__(self, flags: int) -> None:
        self._flags = flags & (re.ASCII | re.IGNORECASE)

    def of(self, code: Any, argument: Any) -> set[str] | None:
        """None for a node of another kind."""
        if code is op.LITERAL:
            return self._cased({chr(argument)})
        if code is op.NOT_LITERAL:
            return set(_LETTERS) - self._cased({chr(argument)})
        if code is op.ANY:
            return set(_LETTERS) - {"\n"}
        return self._members(argument) if code is op.IN else None

    def _members(self, items: Sequence[tuple[Any, Any]]) -> set[str]:
        found: set[str] = set()
        for code, argument in items:
            if code is op.RANGE:
                found |= self._cased({chr(one) for one in range(argument[0], min(argument[1], 255) + 1)})
            elif code is op.LITERAL:
                found |= self._cased({chr(argument)})
            elif code is op.CATEGORY:
                name = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[str(argument).rpartition("_")[2]]
                text = name.upper() if "_NOT_" in str(argument) else name
                found |= {letter for letter in _LETTERS if re.match(text, letter, self._flags)}
        return set(_LETTERS) - found if items[0][0] is op.NEGATE else found & set(_LETTERS)

    def _cased(self, letters: set[str]) -> set[str]:
        if not self._flags & re.IGNORECASE:
            return letters
        return letters | {one.lower() for one in letters} | {one.upper() for one in letters}

    def representatives(self, tree: Any) -> list[str]:
        """One letter of each kind that the pattern tells apart; first those that the fewest of its parts take."""
        sets = [members for node in _walk(tree) if (members := self.of(*node)) is not None]
        kinds: dict[tuple[bool, ...], str] = {}
        for letter in _LETTERS:
            kinds.setdefault(tuple(letter in members for members in sets), letter)
        return [letter for _, letter in sorted(kinds.items(), key=lambda pair: sum(pair[0]))]


def _walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    for code, argument in tree:
        yield code, argument
        for child in _children(code, argument):
            yield from _walk(child)


def _children(code: Any, argument: Any) -> Iterable[Any]:
    if code in _REPEATS:
        return [argument[2]]
    if code is op.BRANCH:
        return list(argument[1])
    if code is op.SUBPATTERN:
        return [argument[3]]
    if code is op.ATOMIC_GROUP:
        return [argument]
    if code in {op.ASSERT, op.ASSERT_NOT, op.AT, op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN}:
        return []
    raise ValueError(f"{code} in a pattern")


def _examples(tree: Any, sets: _Sets, letters: Sequence[str]) -> list[str]:
    """Short texts that a part of a pattern takes: each choice in it is taken in one of them at least."""
    parts = [_of_node(code, argument, sets, letters) for code, argument in tree]
    usual = [part[0] for part in parts]
    found = dict.fromkeys(["".join(usual)])
    for place, part in enumerate(parts):
        for other in part[1:]:
            found["".join([*usual[:place], other, *usual[place + 1 :]])] = None
    return list(found)[:MOST_EXAMPLES]


def _of_node(code: Any, argument: Any, sets: _Sets, letters: Sequence[str]) -> list[str]:
    members = sets.of(code, argument)
    if members is not None:
        return [letter for letter in letters if letter in members] or sorted(members)[:1] or [""]
    inside = [one for child in _children(code, argument) for one in _examples(child, sets, letters)]
    if code in _REPEATS:
        least = argument[0]
        return [*([one * least for one in inside] if least else inside[:2]), *([] if least else [""])]
    return inside or [""]


def _repeats(tree: Any, before: str, sets: _Sets, letters: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield a text that leads up to each long repeat, and pieces that it takes."""
    for code, argument in tree:
        for child in _children(code, argument):
            if code in _REPEATS and argument[1] > MOST_EXAMPLES:
                yield before, _examples(child, sets, letters)
            yield from _repeats(child, before, sets, letters)
        before += _of_node(code, argument, sets, letters)[0]
