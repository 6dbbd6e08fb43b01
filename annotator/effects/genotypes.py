"""The alleles that a sample's genotypes certainly place on one molecule, as far as a single record shows."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

#: A genotype; VCF 4.4 allows a leading separator, which says whether the first allele is phased too.
_GENOTYPE = re.compile(r"[/|]?((?:\d{1,9}+|\.)(?:[/|](?:\d{1,9}+|\.))*)", re.ASCII).fullmatch
_SEPARATOR = re.compile(r"[/|]")
LONGEST = 1000  # the most letters of a genotype that is read
REMEMBERED = 4096


class Call(NamedTuple):
    """A sample's call in a record.

    haplotypes: for each haplotype, the number of its ALT allele (1 for the first), 0 for REF and for unknown alleles; a
        single entry if the allele lies on every haplotype, whatever their number.
    phase_set: haplotypes of calls with the same phase set can be matched by number, as can calls that lie on every
        haplotype.
    """

    haplotypes: tuple[int, ...]
    phase_set: str


@lru_cache(maxsize=REMEMBERED)
def haplotypes(genotype: str) -> tuple[int, ...]:
    """Read GT as Call.haplotypes; () if no ALT allele certainly lies on a known haplotype.

    1/1, 1|1 and 1 lie on every haplotype. 0|1, 1|2 and 0|1|1 give the haplotypes by position. 0/1, 1/2, 0|1/1, ./1 and
    invalid genotypes give none.
    """
    found = _GENOTYPE(genotype) if len(genotype) <= LONGEST else None
    if found is None:
        return ()
    alleles = tuple(int(one) if one != "." else -1 for one in _SEPARATOR.split(found[1]))
    if len(set(alleles)) == 1:
        return alleles[:1] if alleles[0] > 0 else ()
    if "/" in genotype or max(alleles) <= 0:
        return ()
    return tuple(max(one, 0) for one in alleles)


def calls(tail: str) -> Iterator[tuple[int, Call]]:
    """Yield the certain calls of a record, each with the number of its sample, from 0.

    Phased calls without PS belong to one phase set (VCF 4.5, section 1.6.2).

    Args:
        tail: FORMAT and the samples.
    """
    format_, _, samples = tail.partition("\t")
    names = format_.split(":")
    if "GT" not in names or not samples:
        return
    columns = samples.split("\t")
    places = [names.index(name) for name in ("GT", "PS") if name in names]
    if places == [0]:
        # The usual case, also for thousands of samples.
        cells = ((one, "") for one in (columns if len(names) == 1 else (one.partition(":")[0] for one in columns)))
    else:
        cells = (_cells(one.split(":"), *places) for one in columns)
    known: dict[tuple[str, str], Call] = {}
    nothing: set[tuple[str, str]] = set()
    for number, cell in enumerate(cells):
        if cell in nothing:
            continue
        call = known.get(cell)
        if call is None:
            found = haplotypes(cell[0])
            if not found:
                nothing.add(cell)
                continue
            call = known[cell] = Call(found, cell[1] if len(found) > 1 and cell[1] != "." else "")
        yield number, call


def is_certain(tail: str) -> bool:
    """Return whether any call of a record is certain; see `calls`."""
    return next(calls(tail), None) is not None


def _cells(values: list[str], place: int, set_place: int = -1) -> tuple[str, str]:
    """Return a sample's GT and PS, "" if it has none."""
    genotype = values[place] if place < len(values) else ""
    return genotype, values[set_place] if 0 <= set_place < len(values) else ""
