"""Annotated VCFs of random variants in a family, and what a plain reader makes of them, without the tables."""

import gzip
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.effects import csq_field, info_tags
from annotator.effects.terms import IMPACT, rank

CONTIGS = (("chr1", 248_956_422), ("chr7", 159_345_973), ("chrX", 156_040_895), ("chrM", 16_569))
SAMPLES = ("kid", "mum", "dad")
#: Each gene with its contig and span. Two overlap.
GENES = (
    ("ALPHA", "chr1", 1000, 9000),
    ("BETA", "chr1", 8000, 12_000),
    ("GAMMA", "chr7", 500, 4000),
    ("XI", "chrX", 2_781_000, 2_790_000),
    ("MT-ND4", "chrM", 10_760, 12_137),
)
TERMS = tuple(IMPACT)
SIGNIFICANCE = (
    "Pathogenic",
    "Likely_pathogenic",
    "Benign",
    "Uncertain_significance",
    "Conflicting_classifications_of_pathogenicity",
    "drug_response",
)
CLASSES = dict(
    zip(SIGNIFICANCE, ("pathogenic", "likely_pathogenic", "benign", "uncertain", "conflicting", "other"), strict=True)
)
_GENOTYPES = ("0/0", "0/1", "1/1", "0|1", "./.", "./1", "1", "0", ".", "1/2", "2/2", "0/2", "0/0", "0/1")


def write(path: Path, records: int, seed: int, *, genotypes: tuple[str, ...] = _GENOTYPES) -> None:
    """Write `records` records, sorted, some with several ALT alleles, nulls everywhere."""
    dice = random.Random(seed)  # noqa: S311
    places: set[tuple[int, int]] = set()
    while len(places) < records:
        gene = dice.choice((None, *GENES))
        contig, start, end = gene[1:] if gene else (*dice.choice([(name, 1, 16_000) for name, _ in CONTIGS]),)
        places.add(([name for name, _ in CONTIGS].index(contig), dice.randint(start, end)))
    source = ',Source="{}",Version="{}">\n'
    header = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name},length={size}>\n" for name, size in CONTIGS)
    header += '##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n'
    header += "".join(f"{line}\n" for line in info_tags.definitions())
    header += '##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="Frequency"' + source.format("gnomad", "4.1")
    header += '##INFO=<ID=N_HOM,Number=A,Type=Integer,Description="Homozygotes"' + source.format("gnomad", "4.1")
    header += '##INFO=<ID=CLNSIG,Number=A,Type=String,Description="Significance"' + source.format("clinvar", "2026-11")
    header += "\t".join(["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".replace(" ", "\t"), *SAMPLES]) + "\n"
    lines = (_record(dice, CONTIGS[number][0], pos, genotypes) for number, pos in sorted(places))
    path.write_bytes(gzip.compress((header + "".join(lines)).encode(), 1))


def _record(dice: random.Random, contig: str, pos: int, genotypes: tuple[str, ...]) -> str:
    ref = "".join(dice.choices("ACGT", k=dice.choice((1, 1, 1, 2, 3))))
    others = [base + ref[1:] for base in "ACGT" if base != ref[0]] + [ref + "T", ref[0] + "GG" + ref[1:], "<DEL>"]
    alts = (
        ["."] if dice.random() < 0.03 else dice.sample([one for one in others if one != ref], dice.choice((1, 1, 1, 2)))
    )
    count = 0 if alts == ["."] else len(alts)
    genes = [name for name, where, start, end in GENES if where == contig and start <= pos <= end]
    entries: list[str] = []
    values: dict[str, list[str]] = {tag: [] for tag in (*info_tags.OWN[1:], "gnomAD_AF", "N_HOM", "CLNSIG")}
    for number, alt in enumerate(alts[:count], 1):
        terms = [dice.sample(TERMS, dice.choice((1, 1, 2))) for _ in genes] or [["intergenic_variant"]]
        for gene, some in zip(genes or [""], terms, strict=True):
            fields = dict.fromkeys(csq_field.FIELDS, "")
            fields |= {
                "Allele": alt,
                "Consequence": "&".join(some),
                "IMPACT": str(min((IMPACT[one] for one in some), key=list(dict.fromkeys(IMPACT.values())).index)),
            }
            fields |= {
                "SYMBOL": gene,
                "Gene": gene and f"ID{gene}",
                "Feature": gene and f"T{gene}.1",
                "ALLELE_NUM": str(number),
            }
            fields["STRAND"] = "1" if gene else ""
            fields["PICK"] = "1" if gene == (genes or [""])[0] and gene else ""
            entries.append("|".join(fields.values()))
        worst = min((one for some in terms for one in some), key=rank)
        kind = "m" if contig == "chrM" else "g"
        row = {
            info_tags.GENE: "&".join(genes),
            info_tags.CONSEQUENCE: worst if dice.random() < 0.95 else "",
            info_tags.HGVS_G: f"{kind}.{pos}{ref}>{alt}" if alt.isalpha() else "",
            info_tags.HGVS_C: f"T{genes[0]}.1:c.{pos}{ref}>{alt}" if genes and alt.isalpha() else "",
            info_tags.TRANSCRIPT: "",
            info_tags.HGVS_P: f"{genes[0]}:p.Arg{pos % 900 + 1}His" if genes and dice.random() < 0.5 else "",
            info_tags.PHASED: "",
            info_tags.KNOWN: "LHON" if dice.random() < 0.1 else "",
            info_tags.KNOWN_SOURCE: "",
            "gnomAD_AF": dice.choice(("", "0", "0.01", "1e-05", f"{dice.random():.4f}")),
            "N_HOM": dice.choice(("", "0", str(dice.randint(1, 99)))),
            "CLNSIG": dice.choice((*SIGNIFICANCE, "", "", "")),
        }
        for tag, value in row.items():
            values[tag].append(value or ".")
    info = ["END=" + str(pos + dice.randint(0, 3000))] if "<DEL>" in alts else []
    info += [f"CSQ={','.join(entries)}"] if entries else []
    info += [f"{tag}={','.join(some)}" for tag, some in values.items() if set(some) - {"."}]
    qual, filter_ = (
        dice.choice((".", "0", "10", "30.5", f"{dice.uniform(0, 99):.2f}")),
        dice.choice((".", "PASS", "q10", "q10;s50")),
    )
    id_ = dice.choice((".", ".", f"rs{pos}", f"rs{pos};x{pos}"))
    cells = [_cell(dice, genotypes, count) for _ in SAMPLES]
    return (
        "\t".join(
            [contig, str(pos), id_, ref, ",".join(alts), qual, filter_, ";".join(info) or ".", "GT:AD:DP:GQ:HF", *cells]
        )
        + "\n"
    )


def _cell(dice: random.Random, genotypes: tuple[str, ...], alleles: int) -> str:
    genotype = dice.choice([one for one in genotypes if all(int(n) <= alleles for n in re.findall(r"\d+", one))])
    depths = ",".join(str(dice.randint(0, 60)) for _ in range(alleles + 1))
    shares = ",".join(f"{dice.random():.3f}" for _ in range(alleles)) or "."
    return ":".join(
        [
            genotype,
            *(
                dice.choice((value, value, "."))
                for value in (depths, str(dice.randint(0, 99)), str(dice.randint(0, 99)), shares)
            ),
        ]
    )


@dataclass(frozen=True)
class Person:
    """What a sample has of an allele."""

    zygosity: str | None
    dp: int | None
    gq: int | None
    ab: float | None
    hf: float | None


@dataclass(frozen=True)
class Allele:
    """One ALT allele, read without haste. Empty texts and None for what is missing."""

    number: int
    contig: str
    pos: int
    end: int
    ids: list[str]
    ref: str
    alt: str
    qual: float | None
    filters: list[str]
    genes: list[str]
    term: str
    terms: set[str]
    hgvs: list[str]
    known: str
    frequency: float | None
    homozygotes: int | None
    significance: str
    people: dict[str, Person]


def read(path: Path) -> list[Allele]:
    """Return all alleles of a file in order; a record without an ALT allele counts as one."""
    found: list[Allele] = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        info = dict(part.partition("=")[::2] for part in columns[7].split(";"))
        for number, alt in enumerate(columns[4].split(","), 1):
            found.append(_allele(len(found), columns, info, number, alt))
    return found


def _allele(place: int, columns: list[str], info: dict[str, str], number: int, alt: str) -> Allele:
    def own(tag: str) -> str:
        values = info.get(tag, ".").split(",")
        value = values[number - 1] if number <= len(values) else "."
        return "" if value == "." else value

    def given(value: str) -> str:
        return "" if value == "." else value

    def float_of(value: str) -> float | None:
        return float(value) if value else None

    entries = [
        dict(zip(csq_field.FIELDS, one.split("|"), strict=True)) for one in info.get("CSQ", "").split(",") if one
    ]
    entries = [one for one in entries if one["ALLELE_NUM"] == str(number)]
    end = int(info["END"]) if "END" in info and "<" in columns[4] else int(columns[1]) + len(columns[3]) - 1
    return Allele(
        place,
        columns[0],
        int(columns[1]),
        end,
        [one for one in given(columns[2]).split(";") if one],
        columns[3],
        given(alt),
        float_of(given(columns[5])),
        columns[6].split(";"),
        [one for one in own(info_tags.GENE).split("&") if one],
        own(info_tags.CONSEQUENCE),
        {term for one in entries for term in one["Consequence"].split("&")},
        [own(tag) for tag in (info_tags.HGVS_G, info_tags.HGVS_C, info_tags.HGVS_P)],
        own(info_tags.KNOWN),
        float_of(own("gnomAD_AF")),
        int(own("N_HOM")) if own("N_HOM") else None,
        CLASSES.get(own("CLNSIG"), ""),
        {
            name: _person(columns[8], cell, number, alt, columns[0])
            for name, cell in zip(SAMPLES, columns[9:], strict=True)
        },
    )


def _person(format_: str, cell: str, number: int, alt: str, contig: str) -> Person:
    value: dict[str, Any] = {
        tag: one for tag, one in zip(format_.split(":"), cell.split(":"), strict=True) if one != "."
    }
    alleles = re.split("[/|]", value.get("GT", "."))
    copies = alleles.count(str(number))
    zygosity = None
    if alt != "." and copies:
        zygosity = "hom" if copies == len(alleles) else "het"
    elif alt != "." and "." not in alleles:
        zygosity = "absent"
    depths = [int(one) for one in value["AD"].split(",")] if "AD" in value else []
    total: int = sum(depths)
    balance = depths[number] / total if len(depths) > number and total else None
    shares = value["HF"].split(",") if "HF" in value else []
    share = float(shares[number - 1]) if number <= len(shares) else balance
    is_mitochondrial = contig == "chrM" and alt.isalpha()
    return Person(
        zygosity,
        int(value["DP"]) if "DP" in value else None,
        int(value["GQ"]) if "GQ" in value else None,
        balance,
        share if is_mitochondrial else None,
    )
