"""The texts of annotated alleles, as bytes that compiled functions copy."""

from typing import NamedTuple

import numpy as np

from annotator.run.columnar.compiled import Bytes, Ints

#: The texts of a kind of alleles, in this order.
GENE, TERM, HGVS_C, FLAG, PROTEIN = range(5)
#: The texts of an entry of INFO/CSQ, in this order; MIDDLE is HGVSc, or DISTANCE.
BEFORE, MIDDLE, AFTER = range(3)


class Texts(NamedTuple):
    """The texts of kinds of alleles, see `kinds.Kind`.

    letters: the texts, one after the other.
    begins: the offset of each text, five per kind, and the end of the last.
    entries: the index of each kind's first entry of INFO/CSQ, followed by the number of entries.
    picked: the entry of each kind, from 0, whose HGVSc is also GAS_HGVSC; -1 if GAS_HGVSC is the text HGVS_C.
    entry_letters: the texts of entries, one after the other.
    entry_begins: the offset of each text, three per entry, and the end of the last.
    transcript: the index of the transcript on which MIDDLE describes the allele; -1 if MIDDLE is known.
    edge: the edge of each entry, see `kinds.Entry`.
    """

    letters: Bytes
    begins: Ints
    entries: Ints
    picked: Ints
    entry_letters: Bytes
    entry_begins: Ints
    transcript: Ints
    edge: Ints


def joined(one: Texts, other: Texts, transcripts: int) -> Texts:
    """Return the texts of two groups of kinds; `transcripts` is the number of transcripts of the first group."""
    on = np.where(other.transcript < 0, -1, other.transcript + transcripts)
    return Texts(
        np.concatenate([one.letters, other.letters]),
        _continued(one.begins, other.begins),
        _continued(one.entries, other.entries),
        np.concatenate([one.picked, other.picked]),
        np.concatenate([one.entry_letters, other.entry_letters]),
        _continued(one.entry_begins, other.entry_begins),
        np.concatenate([one.transcript, on]),
        np.concatenate([one.edge, other.edge]),
    )


def _continued(begins: Ints, more: Ints) -> Ints:
    """Return the offsets of all texts if the second group follows the first, and the end of the last."""
    return np.concatenate([begins, begins[-1] + more[1:]])
