"""Sets of short texts that compiled functions look bytes up in."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, same

_MASK = 0x7FFFFFFF


class Words(NamedTuple):
    """A mapping of texts to numbers for compiled code.

    letters: all texts, concatenated; begins: start of each, then the end; values: the number of each text, 0 or more;
    slots: a hash table with a text's number, from 1, in each used slot and 0 in the others.
    """

    letters: Bytes
    begins: Ints
    values: Ints
    slots: Ints


def words(values: Mapping[str, int]) -> Words:
    """Of texts in Latin-1."""
    texts = [text.encode("latin-1") for text in values]
    slots = np.zeros(1 << (2 * len(texts) + 1).bit_length(), np.int64)
    for number, text in enumerate(texts, 1):
        key = 0
        for letter in text:
            key = (key * 31 + letter) & _MASK
        while slots[key & (len(slots) - 1)]:
            key += 1
        slots[key & (len(slots) - 1)] = number
    return Words(*packed(texts), np.array([*values.values()], np.int64), slots)


@compiled
def value_of(known: Words, text: Bytes, start: int, stop: int) -> int:
    """What the bytes from start to stop stand for; -1 if they are none of the texts."""
    key = 0
    for at in range(start, stop):
        key = (key * 31 + text[at]) & _MASK
    last = len(known.slots) - 1  # in binary all ones
    while True:
        number = known.slots[key & last]
        if not number:
            return -1
        if same(text, start, stop, known.letters, known.begins[number - 1], known.begins[number]):
            return int(known.values[number - 1])
        key += 1
