"""A contig with crowded genes: they overlap, lie in one another, and share segments.

A few are of kinds that csq ignores, as in Ensembl's gene sets (see annotator.regions.filler).

Its bases are C and G alone, in which there is no stop codon, so that any segments may code. It goes to
tests.support.genome.serve_as_ensembl.
"""

import random
from collections.abc import Callable, Iterator

from tests.support.genome import Genome

CONTIGS = {"1": 400_000, "2": 300_000, "3": 5_000}
#: Bases from the start of a gene to that of the next, more or less. On contig 2 there is room between genes.
SPACINGS = {"1": 1_500, "2": 20_000}


def make_crowd(seed: int = 3) -> tuple[Genome, str]:
    """The genome, whose genes are not told, and its GFF3. Contig 3 has none."""
    rng = random.Random(seed)  # noqa: S311
    sequences = {name: "".join(rng.choices("CG", k=size)) for name, size in CONTIGS.items()}
    lines = ["##gff-version 3"]
    for name in ("1", "2"):
        lines += _contig(rng, name, CONTIGS[name])
    return Genome(sequences, {}), "\n".join(lines) + "\n"


def _contig(rng: random.Random, contig: str, size: int) -> Iterator[str]:
    yield f"{contig}\tmade\tD_loop\t{size // 2}\t{size // 2 + 900}\t.\t+\t.\tID=region:D{contig};Name=D{contig}"
    starts = sorted(rng.randrange(1, size - 3_000) for _ in range(size // SPACINGS[contig]))
    # At both ends of the contig, a long one, and on contig 1 one from end to end.
    spans = [(1, 2_500), (20_000, size // 3), (size - 2_400, size)] + [(1, size)] * (contig == "1")
    spans += [(start, min(size, start + rng.choice((900, 1_500, 2_500, 9_000, 30_000)))) for start in starts]
    for number, span in enumerate(sorted(spans)):
        yield from _gene(rng, contig, f"{contig}{number:04}", span)


def _gene(rng: random.Random, contig: str, number: str, span: tuple[int, int]) -> Iterator[str]:
    strand = rng.choice("+-")
    kind, biotype, transcript = rng.choice(
        [("gene", "protein_coding", "mRNA")] * 20
        + [("ncRNA_gene", "lncRNA", "lnc_RNA"), ("pseudogene", "processed_pseudogene", "pseudogenic_transcript")] * 4
        + [("ncRNA_gene", "tRNA", "tRNA"), ("gene", "TEC", "transcript")]
    )

    def row(what: str, start: int, end: int, tags: str, phase: str = ".") -> str:
        return f"{contig}\tmade\t{what}\t{start}\t{end}\t.\t{strand}\t{phase}\t{tags}"

    text = f"made for tests, {'so wordy that genes fill some blocks; ' * 40}".replace(";", "%3B")
    yield row(kind, *span, f"ID=gene:G{number};Name=GEN{number};biotype={biotype};description={text}")
    if rng.random() < 0.05:
        return
    # All transcripts of a gene choose from the same exons, so that many share segments.
    size = span[1] - span[0] + 1
    cuts = sorted(rng.sample(range(30, size - 30), 6)) if size > 400 else []
    edges = [0, *cuts, size - 1]
    exons = [(span[0] + a, span[0] + b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 20]
    for copy in range(rng.choice((1, 2, 4))):
        name = f"T{number}{copy}"
        some = [exon for exon in exons if rng.random() < 0.8] or [span]
        known = biotype if rng.random() < 0.95 else "TEC"
        what = transcript if known == biotype else "transcript"
        flags = rng.choice((";tag=basic,Ensembl_canonical,MANE_Select", ";tag=basic", ""))
        yield row(
            what,
            some[0][0],
            some[-1][1],
            f"ID=transcript:{name};Parent=gene:G{number};biotype={known};version=2{flags}",
        )
        yield from (row("exon", start, end, f"Parent=transcript:{name};Name=E{start}") for start, end in some)
        if biotype == "protein_coding":
            yield from _coding(row, name, strand, some)


def _coding(row: Callable[..., str], name: str, strand: str, exons: list[tuple[int, int]]) -> Iterator[str]:
    """The first exon begins, and the last ends, with ten bases that do not code."""
    parts = [*exons]
    parts[0] = parts[0][0] + 10, parts[0][1]
    parts[-1] = parts[-1][0], parts[-1][1] - (10 if len(parts) > 1 else 1)
    low, high = ("five", "three") if strand == "+" else ("three", "five")
    yield row(f"{low}_prime_UTR", exons[0][0], parts[0][0] - 1, f"Parent=transcript:{name}")
    yield row(f"{high}_prime_UTR", parts[-1][1] + 1, exons[-1][1], f"Parent=transcript:{name}")
    done = 0
    for start, end in parts if strand == "+" else parts[::-1]:
        yield row("CDS", start, end, f"ID=CDS:P{name};Parent=transcript:{name}", str(-done % 3))
        done += end - start + 1
