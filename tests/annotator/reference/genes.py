"""Random gene models for tests."""

import random

from annotator.effects.genes import Gene, Record, Region
from annotator.effects.transcript import FLAGS, Span, Transcript

SIZE = 400_000  # bases of a contig


def random_records(seed: int, contig: str) -> list[Record]:
    """Return genes with transcripts, some long, some nested, some far from all others; and named regions."""
    rng = random.Random(seed)  # noqa: S311
    found: list[Record] = []
    for number in range(60):
        start = rng.randint(1, SIZE - 6_000)
        strand, gene_id, name = rng.choice("+-"), f"G{number}", f"Name {number}"
        transcripts = [
            random_transcript(rng, start, strand, gene_id, name, f"T{number}.{one}") for one in range(rng.randint(1, 5))
        ]
        end = max(one.end for one in transcripts)
        first = min(one.start for one in transcripts)
        found += [
            Gene(name, gene_id, "gene", contig, first, end, strand, "protein_coding", "made, for tests"),
            *transcripts,
        ]
    found += [
        Region(f"R{number % 5}", start, start + 900) for number, start in enumerate(rng.sample(range(1, SIZE), 9))
    ]
    return found


def random_transcript(rng: random.Random, start: int, strand: str, gene_id: str, gene: str, name: str) -> Transcript:
    longest = rng.choice((300, 300, 20_000))
    cuts = sorted(start + cut for cut in rng.sample(range(longest), 2 * rng.randint(1, 6)))
    exons: tuple[Span, ...] = tuple(zip(cuts[::2], cuts[1::2], strict=True))
    bases = [base for first, last in exons for base in (first, last)]
    coding = tuple(sorted(rng.sample(bases, 2))) if rng.random() < 0.7 else None
    return Transcript(
        name=name,
        gene=gene,
        biotype=rng.choice(("protein_coding", "nonsense_mediated_decay", "")),
        strand=strand,
        exons=exons,
        coding=coding,  # type: ignore[arg-type]
        phase=rng.choice((0, 0, 1, 2)),
        start_known=rng.random() < 0.8,
        end_known=rng.random() < 0.8,
        genetic_code=1,
        gene_id=gene_id,
        protein_id=rng.choice(("", "P1")),
        flags=tuple(flag for flag in FLAGS if rng.random() < 0.3),
        mature=tuple(exon for exon in exons if coding is None and rng.random() < 0.5),
        is_consistent=rng.random() < 0.9,
    )
