"""Write HGVS descriptions of alleles on the genome, as `hgvs_genomic.genomic` does."""

from annotator.run.columnar import alleles as changes
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, compiled, put, put_number
from annotator.run.columnar.numbering import GREATER, UNDERSCORE, Words, inverted


@compiled
def genomic(alleles: Alleles, one: int, words: Words, out: Bytes, size: int) -> int:
    """Write the description of an allele, after its prefix."""
    kind, place, lost, gained = alleles.kind[one], alleles.start[one], alleles.lost[one], alleles.gained[one]
    letters, bases, slide = alleles.letters, alleles.bases[one], alleles.slide[one]
    given = alleles.given[one]
    if kind == changes.SNV:
        size = put_number(out, size, place)
        size = put(out, size, letters, bases, bases + 1)
        out[size] = GREATER
        return put(out, size + 1, letters, given, given + 1)
    if kind == changes.MNV or kind == changes.OTHER:  # noqa: PLR1714 - compiled
        size = _span(place, place + lost - 1, out, size)
        if lost == gained and inverted(alleles, one, words.complement):
            return put(out, size, words.inverted, 0, 3)
        size = put(out, size, words.deleted, 0, 3)
        size = put(out, size, words.inserted, 0, 3)
        return put(out, size, letters, given, given + gained)
    place += slide
    if kind == changes.DELETION:
        size = _span(place, place + lost - 1, out, size)
        return put(out, size, words.deleted, 0, 3)
    if slide >= gained:  # the sequence repeats all the bases: a duplication
        size = _span(place - gained, place - 1, out, size)
        return put(out, size, words.copied, 0, 3)
    size = _span(place - 1, place, out, size)
    size = put(out, size, words.inserted, 0, 3)
    for step in range(gained):
        out[size + step] = letters[bases + (step + slide) % gained]
    return int(size + gained)


@compiled
def _span(first: int, last: int, out: Bytes, size: int) -> int:
    size = put_number(out, size, first)
    if first == last:
        return size
    out[size] = UNDERSCORE
    return put_number(out, size + 1, last)
