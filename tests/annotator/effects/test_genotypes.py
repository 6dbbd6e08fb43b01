"""Which alleles genotypes place on a molecule with certainty."""

import pytest

from annotator.effects.genotypes import Call, calls, haplotypes

GENOTYPES = {
    # On every haplotype, phased or not, of any ploidy.
    "1/1": (1,),
    "1|1": (1,),
    "1": (1,),
    "2/2/2/2": (2,),
    "12|12": (12,),
    "/1": (1,),
    "|1": (1,),
    "|1|1": (1,),
    # On the haplotype that their place names.
    "0|1": (0, 1),
    "1|0": (1, 0),
    "1|2": (1, 2),
    ".|1": (0, 1),
    "|0|1": (0, 1),
    "0|1|1": (0, 1, 1),
    "0|1|0|2": (0, 1, 0, 2),
    # Nowhere that is known.
    "0/1": (),
    "1/2": (),
    "0|1/1": (),
    "/0|1": (),
    "./1": (),
    "1/.": (),
    # Nothing but the reference, or nothing at all.
    "0/0": (),
    "0|0": (),
    "0": (),
    ".|0": (),
    "./.": (),
    ".": (),
    # No genotypes.
    "": (),
    "|": (),
    "1|": (),
    "A|1": (),
    "-1|1": (),
    "²|1": (),
    "1 |1": (),
    "9" * 5000: (),
    "1|" * 5000 + "1": (),
}


@pytest.mark.parametrize("genotype", GENOTYPES)
def test_genotypes(genotype: str) -> None:
    assert haplotypes(genotype) == GENOTYPES[genotype]


COLUMNS = {
    "GT\t0|1\t0/1\t1/1\t./.\t0/0": [(0, Call((0, 1), "")), (2, Call((1,), ""))],
    "GT:DP\t0|1:3\t0/1:4\t1:5": [(0, Call((0, 1), "")), (2, Call((1,), ""))],
    # A call that lies on every haplotype is in every phase set.
    "GT:DP:PS\t0|1:3:77\t1|0:4:.\t1|0\t1|1:4:77": [
        (0, Call((0, 1), "77")),
        (1, Call((1, 0), "")),
        (2, Call((1, 0), "")),
        (3, Call((1,), "")),
    ],
    "PS:GT\t5:0|1\t.:1|0\t5": [(0, Call((0, 1), "5")), (1, Call((1, 0), ""))],
    "DP\t7\t8": [],
    "GT": [],
    "": [],
    ".\t.": [],
    "GT\t0/1/1|1\t0/1/1\t0/10\t10/10": [(3, Call((10,), ""))],
}


@pytest.mark.parametrize("tail", COLUMNS)
def test_calls_of_a_record(tail: str) -> None:
    assert list(calls(tail)) == COLUMNS[tail]
