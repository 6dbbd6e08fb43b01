"""What real callers write that is not quite VCF is read where its meaning is certain, and values stay as they are."""

import pytest

from annotator.errors import InputError
from tests.annotator.conftest import COLUMNS, Annotate, vcf

ONE_SAMPLE = f"{COLUMNS}\tFORMAT\tone\n"


@pytest.mark.parametrize("space", ["", " ", "  "])
def test_declarations_with_spaces_are_read(run: Annotate, space: str) -> None:
    """As HTSlib reads them."""
    lines = [
        f"##contig=<ID=chrM,{space}length{space}=16569>",
        f'##INFO=<ID=MUT,{space}Number=1,{space}Type={space}Float{space},{space}Description="One, or two">',
        f"##FORMAT=<{space}ID=GQ{space},{space}Number=1,{space}Type=Float,Description=[a,b],Source={space}>",
    ]
    header = "\n".join(["##fileformat=VCFv4.2", *lines, ONE_SAMPLE])
    result = run(vcf("chrM 263 . A G . . MUT=0.5 GQ 62.65", header=header))
    assert [line for line in result.header if line in lines] == lines
    assert result.records[0][7].startswith("MUT=0.5;")
    assert result.records[0][9] == "62.65"
    assert not [repair for repair in result.report.repairs if "declare" in repair or "left out" in repair]


def test_a_length_behind_a_space_tells_the_build(run: Annotate) -> None:
    header = f"##fileformat=VCFv4.2\n##contig=<ID=chrM, length=16571>\n{COLUMNS}\n"
    with pytest.raises(InputError) as caught:
        run(vcf("chrM 263 . A G", header=header))
    assert caught.value.code == "wrong-build"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a[hapUn_c:7[", "A[hapUn_c:7["),
        ("at]hapUn_c:7]", "AT]hapUn_c:7]"),
        ("]hapUn_c:7]ta", "]hapUn_c:7]TA"),
        ("[<ctg_a>:7[a", "[<ctg_a>:7[A"),
        ("acg", "ACG"),
    ],
)
def test_the_mate_of_a_breakend_keeps_its_case(run: Annotate, written: str, expected: str) -> None:
    result = run(vcf(f"chrM 263 . A {written}"))
    assert result.records[0][4] == expected
    assert result.repaired("upper case")


@pytest.mark.parametrize(
    ("values", "type_"), [(["40", "62.65"], "Float"), (["62.65", "."], "Float"), (["7", "low"], "String")]
)
@pytest.mark.parametrize("tag", ["GQ", "MQ"])
def test_undeclared_tags_of_samples_have_the_type_of_their_values(
    run: Annotate, values: list[str], type_: str, tag: str
) -> None:
    """The specification knows both as Integer; callers write decimals."""
    rows = [
        f"chrM {pos} . {ref} G . . . GT:{tag} 0/1:{value}"
        for pos, ref, value in zip((263, 750), "AA", values, strict=True)
    ]
    result = run(vcf(*rows, header=f"##fileformat=VCFv4.2\n{ONE_SAMPLE}"))
    assert [record[9] for record in result.records] == [f"0/1:{value}" for value in values]
    assert any(f"##FORMAT=<ID={tag}," in line and f"Type={type_}," in line for line in result.header)
    assert result.repaired("type of their values")


@pytest.mark.parametrize(
    ("values", "type_"), [(["40", "62.65"], "Float"), (["1", "2", "3.5,4"], "Float"), (["7", "low"], "String")]
)
def test_undeclared_tags_of_info_have_the_type_of_their_values(run: Annotate, values: list[str], type_: str) -> None:
    places = zip((263, 750, 1438), "AAA", values, strict=False)
    result = run(vcf(*(f"chrM {pos} . {ref} G . . MQ0={value}" for pos, ref, value in places)))
    assert [result.info(number)["MQ0"] for number in range(len(values))] == values
    assert any("##INFO=<ID=MQ0," in line and f"Type={type_}," in line for line in result.header)
    assert result.repaired("type of their values")
