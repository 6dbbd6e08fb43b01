"""Maps of short texts to numbers, for lookups in compiled functions."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, same

_MASK = 0x7FFFFFFF


class Words(NamedTuple):
    """A map of texts to numbers for compiled code.

    letters: all texts, concatenated.
    begins: the offset of each text, followed by the end of the last.
    values: the number of each text, 0 or more.
    slots: a hash table with a text's index, from 1, in each used slot, and 0 in the others.
    """

    letters: Bytes
    begins: Ints
    values: Ints
    slots: Ints


def words(values: Mapping[str, int]) -> Words:
    """Return a map for compiled code; the texts must be encodable in Latin-1."""
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
    """Return the number of the text whose bytes are those from start to stop; -1 if there is no such text."""
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
