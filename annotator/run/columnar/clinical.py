"""Select the alleles of a block that may be listed as findings; the others are only counted, by significance class."""

from collections.abc import Sequence

import numpy as np

from annotator.run.columnar import forms
from annotator.run.columnar.compiled import Bytes, Ints, compiled
from annotator.run.columnar.known import Said
from annotator.run.columnar.text_sets import Words, value_of, words
from annotator.sources.findings import COUNTED, Findings, Significance, classify
from annotator.sources.lookup import Lookup

Places = tuple[str, Ints]
CLASSES = tuple(Significance)
_COUNTED = [CLASSES.index(one) for one in COUNTED]
NONE, UNSEEN = -1, -2
#: Maximum number of cached texts of clinical significance.
MOST_TEXTS = 5000


class Significances:
    """Classifies the clinical significance that sources have for alleles. Caches the class of each distinct text."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._words = words({})

    def classes(self, source: Lookup, said: Said) -> Ints:
        """Return the index in CLASSES of the significance of each allele in a source; NONE if it has none."""
        column = source.source.tags.index(source.source.roles.significance)
        found, begin, end = (np.full(len(said.start), NONE, np.int64) for _ in range(3))
        _classes(said, column, self._words, begin, end, found)
        for number in np.flatnonzero(found == UNSEEN).tolist():
            text = said.text[begin[number] : end[number]].tobytes().decode("latin-1")
            if text not in self._seen and len(self._seen) < MOST_TEXTS:
                self._seen[text] = CLASSES.index(classify(text))
            found[number] = self._seen[text] if text in self._seen else CLASSES.index(classify(text))
        if len(self._words.values) < len(self._seen):
            self._words = words(self._seen)
        return found


def findings_among(
    significances: Significances, sources: Sequence[Lookup], said: Sequence[Said], findings: Findings, places: Places
) -> Ints:
    """Return the indices of the alleles that may be listed as findings, and count the others.

    Args:
        significances: the cache of classes.
        sources: the open sources.
        said: the annotations of the alleles in each source.
        findings: counts the alleles that are not returned.
        places: the contig, and the first base of each allele's change, in normal form.
    """
    clinical = [
        (source, significances.classes(source, one))
        for source, one in zip(sources, said, strict=True)
        if source.source.roles.significance
    ]
    if not clinical:
        return np.zeros(0, np.int64)
    pathogenic = np.any([np.isin(classes, _COUNTED) for _, classes in clinical], axis=0)
    listed = pathogenic
    if findings.is_full:
        contig, start = places
        listed = pathogenic & np.isin(start, findings.positions(contig))
        findings.alleles += int(np.count_nonzero(pathogenic & ~listed))
    for source, classes in clinical:
        rest = np.bincount(classes[~listed & (classes >= 0)], minlength=len(CLASSES))
        findings.count(source.source, dict(zip(CLASSES, rest.tolist(), strict=True)))
    return np.flatnonzero(listed)


@compiled
def _classes(said: Said, column: int, known: Words, begin: Ints, end: Ints, found: Ints) -> None:
    """Write the offsets of the text in each allele's column, and its class; UNSEEN for a text that is not cached."""
    text: Bytes = said.text
    for number in range(len(said.start)):
        at, stop = said.start[number], said.stop[number]
        if at < 0:
            continue
        for _ in range(column):
            while text[at] != forms.TAB:
                at += 1
            at += 1
        last = at
        while last < stop and text[last] != forms.TAB:
            last += 1
        if last - at == 1 and text[at] == forms.DOT:
            continue
        begin[number], end[number] = at, last
        value = value_of(known, text, at, last)
        found[number] = value if value >= 0 else UNSEEN
