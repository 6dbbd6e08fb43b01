"""The alleles of a block along their transcripts: HGVS c. and n., of single bases as columns."""

from collections.abc import Mapping, Sequence

import polars as pl

from annotator.alleles import Change
from annotator.hgvs_c import Fetch
from annotator.sequence import reverse_complement
from annotator.transcripts import Model

_CONTIG = 2**32  # more than any position
_COMPLEMENT = {base: reverse_complement(base) for base in "ACGT"}
_SEGMENTS = {
    "at": pl.Int64, "start": pl.Int64, "head": pl.String, "base": pl.Int64, "sign": pl.Int64, "reverse": pl.Boolean,
}  # fmt: skip


def described(
    alleles: pl.DataFrame, models: Sequence[Model | None], longer: Mapping[int, Change], fetch: Fetch
) -> pl.Series:
    """Describe each allele on its transcript, "" for none.

    alleles: place, pos, ref, alt, kind; models: the transcript of each kind; longer: the changes that are not of single
    bases, by place.
    """
    own = alleles.filter(pl.col("place").is_in(list(longer))).select("place", "kind")
    texts = [
        model.describe(longer[place], fetch)[0] if (model := models[kind]) else "" for place, kind in own.iter_rows()
    ]
    rest = pl.DataFrame({"place": own["place"], "longer": pl.Series(texts, dtype=pl.String)})
    table, numbers = _segments(models, *(int(pos) for pos in alleles.select(pl.min("pos"), last=pl.max("pos")).row(0)))
    frame = alleles.select("place", "pos", "ref", "alt", at=pl.Series(numbers).gather(alleles["kind"]) * _CONTIG)
    if len(table):
        places = table["at"].search_sorted(frame["at"] + frame["pos"], side="right").cast(pl.Int64) - 1
        frame = frame.hstack(table.select(pl.exclude("at").gather(places.clip(0))))
        sides = [
            pl.when("reverse").then(pl.col(one).replace(_COMPLEMENT)).otherwise(pl.col(one)) for one in ("ref", "alt")
        ]
        number = (pl.col("base") + pl.col("sign") * (pl.col("pos") - pl.col("start"))).cast(pl.String)
        text = pl.concat_str("head", number, sides[0], pl.lit(">"), sides[1])
        frame = frame.with_columns(text=pl.when(pl.col("at") >= 0).then(text))
    else:
        frame = frame.with_columns(text=pl.lit(None, dtype=pl.String))
    frame = frame.join(rest, on="place", how="left", maintain_order="left")
    return frame.select(pl.coalesce("longer", "text").fill_null(""))["longer"]


def _segments(models: Sequence[Model | None], first: int, last: int) -> tuple[pl.DataFrame, list[int]]:
    """The segments that touch first to last, in order, by transcript and position; and each kind's transcript, -1 for
    none that can be numbered.
    """
    numbers: dict[Model, int] = {}
    rows = []
    for model in models:
        if model is None or model.layout is None or model in numbers:
            continue
        number = numbers[model] = len(numbers)
        head, reverse = f"{model.label}:{model.layout.letter}.", model.strand == "-"
        for one in model.layout.segments():
            if one.start <= last and one.end >= first:
                place = number * _CONTIG + one.start
                rows.append((place, one.start, head + one.prefix, one.base, one.sign, reverse))
    return pl.DataFrame(rows, schema=_SEGMENTS, orient="row"), [
        numbers.get(model, -1) if model else -1 for model in models
    ]
