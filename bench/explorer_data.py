"""Results of any size for the benchmark of the explorer: their VCF, an SQLite file of it, and filters to ask for."""

import random
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from annotator.effects import csq_field, info_tags
from annotator.effects.terms import IMPACT
from annotator.formats.bgzf import END, BgzfWriter
from gas.explorer import native

SQLITE = "variants.sqlite"
#: What SQLite raises for a query that was stopped.
Interrupted = sqlite3.OperationalError
SAMPLES = ("kid", "mum", "dad")
CONTIGS = tuple((f"chr{name}", 200_000_000 - 6_000_000 * place) for place, name in enumerate([*range(1, 23), "X"]))
GENE_BASES = 120_000
TERMS = (
    "intron_variant",
    "missense_variant",
    "synonymous_variant",
    "stop_gained",
    "5_prime_UTR_variant",
    "splice_donor_variant",
)
WEIGHTS = (70, 10, 10, 0.5, 9, 0.5)


@dataclass(frozen=True)
class Question:
    """The same filter three times: as the explorer's parameters, as SQL, and as an expression of bcftools."""

    name: str
    parameters: str
    sql: str
    bcftools: str


def questions(dice: random.Random) -> list[Question]:
    """Return the filters to compare. Bounds are drawn, so that another call has filters that nobody asked for yet."""
    frequency, quality, gene = dice.uniform(0.005, 0.02), dice.uniform(20, 60), f"G3_{dice.randrange(1400)}"
    severe = " | ".join(f"GAS_CSQ='{term}'" for term in (TERMS[1], TERMS[3], TERMS[5]))
    return [
        Question("all", "", "1", "POS>0"),
        Question(
            "rare, protein-changing",
            f"impact=HIGH&impact=MODERATE&source-gnomAD_AF-max={frequency}&source-gnomAD_AF-missing=keep",
            f"impact IN ('HIGH', 'MODERATE') AND (gnomAD_AF <= {frequency} OR gnomAD_AF IS NULL)",
            f"({severe}) & (gnomAD_AF<={frequency} | gnomAD_AF='.')",
        ),
        Question("one gene", f"gene={gene}", f"gene = '{gene}'", f'GAS_GENE="{gene}"'),
        Question(
            "de novo",
            "family-rule=de-novo&family-proband=1&family-mother=2&family-father=3"
            f"&qual-min={quality}&qual-missing=drop",
            f"kid IN ('het', 'hom') AND mum = 'absent' AND dad = 'absent' AND qual >= {quality}",
            f'GT[0]="alt" && GT[1]="ref" && GT[2]="ref" && QUAL>={quality}',
        ),
    ]


#: Values that people click: facets, and bounds that forms and presets have.
_CLICKS = (
    *(f"impact={one}" for one in ("HIGH", "MODERATE", "LOW")),
    *(f"consequence={one}" for one in TERMS),
    *(f"source-gnomAD_AF-max={one}&source-gnomAD_AF-missing=keep" for one in (0.001, 0.01, 0.05)),
    *(f"qual-min={one}&qual-missing=drop" for one in (30, 100, 500)),
    *(f"s1-zygosity={one}" for one in ("het", "hom")),
    *(f"significance={one}" for one in ("pathogenic", "uncertain", "none")),
    *(f"region=chr{one}" for one in (1, 7, "X")),
    "s1-dp-min=20&s1-dp-missing=drop",
    "family-rule=de-novo&family-proband=1&family-mother=2&family-father=3",
    "family-rule=recessive&family-proband=1&family-mother=2&family-father=3",
)
_SORTS = ("", "-qual", "qual", "gene", "gnomAD_AF", "-s1_dp", "consequence")


def clicked(dice: random.Random) -> str:
    """Return the parameters of one to three filters that people click, and an order."""
    return "&".join([*dice.sample(_CLICKS, dice.randint(1, 3)), f"sort={dice.choice(_SORTS)}"])


def typed(dice: random.Random) -> str:
    """Return the parameters of one to four filters with bounds and genes that nobody asked for yet, and an order."""
    drawn = (
        f"source-gnomAD_AF-max={dice.random()}&source-gnomAD_AF-missing={dice.choice(('keep', 'drop'))}",
        f"qual-min={dice.uniform(10, 900)}&qual-missing=drop",
        f"s{dice.randint(1, 3)}-dp-min={dice.randint(5, 60)}&s1-dp-missing=keep&s2-dp-missing=keep&s3-dp-missing=keep",
        f"s{dice.randint(1, 3)}-gq-max={dice.randint(5, 99)}&s1-gq-missing=keep&s2-gq-missing=keep&s3-gq-missing=keep",
        f"gene=G{dice.randrange(20)}_{dice.randrange(400)}",
        f"region=chr{dice.randint(1, 22)}:{dice.randrange(10**6)}-{dice.randrange(10**6, 10**8)}",
        f"carriers-min={dice.randint(1, 3)}&carriers-missing=drop",
        f"q=G{dice.randrange(20)}_{dice.randrange(9)}",
        dice.choice(_CLICKS),
        dice.choice(_CLICKS),
    )
    return "&".join([*dice.sample(drawn, dice.randint(1, 4)), f"sort={dice.choice(_SORTS)}"])


def lines(alleles: int, seed: int = 1) -> Iterator[str]:
    """Yield the records of a result."""
    dice = random.Random(seed)  # noqa: S311
    each = alleles // len(CONTIGS) + 1
    entry = dict.fromkeys(csq_field.FIELDS, "")
    left = alleles
    for number, (contig, length) in enumerate(CONTIGS):
        step = length // each
        for place in range(min(each, left)):
            pos = 1 + place * step + dice.randrange(step)
            gene, term = f"G{number}_{pos // GENE_BASES}", dice.choices(TERMS, WEIGHTS)[0]
            entry |= {"Allele": "A", "Consequence": term, "IMPACT": str(IMPACT[term]), "SYMBOL": gene, "Gene": gene}
            entry |= {
                "Feature_type": "Transcript",
                "Feature": f"T{gene}",
                "STRAND": "1",
                "PICK": "1",
                "ALLELE_NUM": "1",
            }
            info = f"CSQ={'|'.join(entry.values())};GAS_GENE={gene};GAS_CSQ={term};GAS_HGVSG=g.{pos}G>A"
            if dice.random() < 0.7:
                info += f";gnomAD_AF={dice.betavariate(0.2, 3):.6g}"
            if dice.random() < 0.05:
                info += f";CLNSIG={dice.choice(('Benign', 'Pathogenic', 'Uncertain_significance'))}"
            cells = (
                f"{dice.choice(('0/0', '0/1', '0/0', '1/1', '0/1'))}:{dice.randint(5, 60)}:{dice.randint(0, 99)}"
                for _ in SAMPLES
            )
            yield (
                f"{contig}\t{pos}\t.\tG\tA\t{dice.uniform(10, 999):.1f}\tPASS\t{info}\tGT:DP:GQ\t"
                + "\t".join(cells)
                + "\n"
            )
        left -= min(each, left)


def make(folder: Path, alleles: int) -> Path:
    """Write the result's VCF, with its index."""
    path = folder / "annot.vcf.gz"
    source = ',Source="gnomad",Version="4.1">'
    header = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    header += [f"##contig=<ID={name},length={length}>" for name, length in CONTIGS]
    header += [
        f'##FORMAT=<ID={tag},Number=1,Type={kind},Description="{tag}">'
        for tag, kind in (("GT", "String"), ("DP", "Integer"), ("GQ", "Integer"))
    ]
    header += info_tags.definitions()
    header += [
        f'##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="AF"{source}',
        f'##INFO=<ID=CLNSIG,Number=A,Type=String,Description="S"{source}',
    ]
    header.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *SAMPLES]))
    with path.open("wb") as file:
        writer = BgzfWriter(file, 1)
        writer.write("\n".join([*header, ""]).encode())
        for line in lines(alleles):
            writer.write(line.encode())
        writer.finish()
        file.write(END)
    subprocess.run(["bcftools", "index", "-t", str(path)], check=True)
    return path


def sqlite(folder: Path, rows: Path) -> sqlite3.Connection:
    """Put the same columns into SQLite, with the indexes that a careful author would make."""
    (folder / SQLITE).unlink(missing_ok=True)
    connection = sqlite3.connect(folder / SQLITE)
    names = [
        "row_number",
        "contig",
        "pos",
        "gene",
        "consequence",
        "impact",
        "type",
        "significance",
        "gnomAD_AF",
        "qual",
    ]
    people = [f"s{number}_zygosity AS {name}" for number, name in enumerate(SAMPLES, 1)]
    connection.execute(f"CREATE TABLE variants (row_number INTEGER PRIMARY KEY, {', '.join([*names[1:], *SAMPLES])})")
    marks = ", ".join("?" * (len(names) + len(SAMPLES)))
    with duckdb.connect(str(rows), read_only=True) as source:
        cursor = source.execute(f"SELECT {', '.join([*names, *people])} FROM {native.ROWS}")  # noqa: S608
        while some := cursor.fetchmany(20_000):
            connection.executemany(f"INSERT INTO variants VALUES ({marks})", some)  # noqa: S608
    for name in ("gene", "impact", "gnomAD_AF", "qual", "contig, pos"):
        connection.execute(f"CREATE INDEX {name.replace(', ', '_')}_index ON variants ({name})")
    connection.execute("ANALYZE")
    connection.commit()
    return connection
