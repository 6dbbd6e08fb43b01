"""A genome that is no mitochondrion, its pack, two sources, and quick runs of many small generated files."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from annotator.install.install import Wanted, install
from annotator.reference.pack import Reference, load_reference
from annotator.run import splitter
from annotator.run.annotate import annotate
from annotator.sources.fields import Wanted as Field
from annotator.sources.manifest import Source
from tests.annotator.sources.genomes import installed
from tests.support.generated_runs import KNOWN_SEEDS, Annotate, Annotated
from tests.support.genome import ASSEMBLY, SPECIES, Genome, make_genome, serve_as_ensembl
from tests.support.vcfs import Recipe, generate

#: What a source says of alleles: findings and others.
WORDS = ("Pathogenic", "Benign", "Likely_pathogenic|risk_factor", "Conflicting_classifications_of_pathogenicity")


@pytest.fixture(scope="package", autouse=True)
def one_by_one() -> Iterator[None]:
    """Small files go record by record, unless a test has it otherwise with HEAD."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitter, "HEAD_IN_COLUMNS", splitter.HEAD)
        yield


@pytest.fixture(scope="session")
def genome() -> Genome:
    return make_genome()


@pytest.fixture(scope="session")
def hot(genome: Genome) -> dict[str, list[int]]:
    """Positions where much happens: the ends of exons, and coding bases."""
    found: dict[str, list[int]] = {name: [] for name in genome.sequences}
    for gene in genome.genes.values():
        found[gene.contig] += [place for exon in gene.exons for place in exon for _ in range(20)]
        found[gene.contig] += gene.places
    return found


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory, genome: Genome) -> Path:
    root = tmp_path_factory.mktemp("generated")
    serve_as_ensembl(root / "pub", genome)
    install(Wanted(SPECIES, base=(root / "pub").as_uri()), root / "references")
    return root / "references"


@pytest.fixture(scope="session")
def reference(packs: Path) -> Reference:
    return load_reference(ASSEMBLY, packs)


@pytest.fixture(scope="session")
def plain(hot: dict[str, list[int]]) -> Recipe:
    """Of a file in which nothing is wrong, and nothing has to be put right."""
    return Recipe(records=150, repairs=0, indels=0.4, several=0.15, neighbours=0.2, samples=2, hot=hot)


@pytest.fixture(scope="session")
def sources(packs: Path, reference: Reference, genome: Genome, plain: Recipe) -> list[Source]:
    """Each knows every second record of the files of KNOWN_SEEDS, and another half of them."""
    rows = [row for seed in KNOWN_SEEDS for row in generate(seed, genome.sequences, plain).records]
    columns = [row.text.split("\t")[:5] for row in rows]
    declared = (
        '##fileformat=VCFv4.2\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description="What is said of it">\n'
        '##INFO=<ID=CLNDN,Number=.,Type=String,Description="Of which disease">\n'
        '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    made = []
    said_of_it = Field("CLNSIG", "said_SIG"), Field("CLNDN", "said_DN")
    for half, (name, fields) in enumerate((("said", said_of_it), ("often", (Field("AF", "often_AF"),)))):
        lines = []
        for number, (contig, pos, id_, ref, alt) in enumerate(columns):
            if number % 2 == half and alt.isalpha() and "N" not in ref + alt:
                said = f"{WORDS[number // 2 % len(WORDS)]};CLNDN=Disease_{number}"
                info = f"CLNSIG={said}" if half == 0 else f"AF=0.{number % 900 + 1:03}"
                lines.append((contig, int(pos), f"{contig}\t{pos}\t{id_}\t{ref}\t{alt}\t.\t.\t{info}\n"))
        order = list(genome.sequences)
        lines.sort(key=lambda line: (order.index(line[0]), line[1]))
        content = (declared + "".join(text for _, _, text in lines)).encode()
        made.append(installed(packs, reference, content, *fields, name=name, title=name.capitalize()))
    return made


@pytest.fixture(scope="module")
def run(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Annotate:
    """Annotate bytes, each call in a folder of its own, from any thread. Keyword arguments go to annotate."""
    parent = tmp_path_factory.mktemp("runs")

    def annotated(content: bytes, **arguments: Any) -> Annotated:
        folder = Path(mkdtemp(dir=parent))
        source = folder.with_suffix(".in")
        source.write_bytes(content)
        report = annotate(source, folder, **({"reference": reference} | arguments))
        lines = gzip.decompress((folder / "annot.vcf.gz").read_bytes()).decode("latin-1").splitlines()
        header = [line for line in lines if line.startswith("#")]
        return Annotated(folder, report, header, [line.split("\t") for line in lines[len(header) :]])

    return annotated
