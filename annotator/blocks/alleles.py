"""The alleles of a block's records in columns, with all that can be said of them before csq has answered."""

from dataclasses import dataclass

import polars as pl

from annotator.alleles import Change
from annotator.blocks import known
from annotator.blocks.longer import Describer
from annotator.blocks.places import Places
from annotator.compose import normal_forms
from annotator.preflight.records import Record
from annotator.sources.matching import Variant
from annotator.stream import Pass

_OWN = {"place": pl.UInt32, "stretch": pl.Int64, "type": pl.String, "hgvs": pl.String, "swap": pl.String} | {
    "moved": pl.Boolean,
    "pos": pl.Int64, "ref": pl.String, "alt": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """frame: a row for each allele of plain records, in order: place (from 0), row (of its record), alleles (of the
    record), pos, ref, alt, stretch, type, hgvs, swap (an SNV's bases, REF's first), moved (whether its normal form is
    another), and rows of sources, `said 0` and so on. crossing: the changes that lie in several stretches; the first
    stands as stretch -1, and so on. longer: the changes that are not of single bases, by the allele's place. asked:
    what csq is to be asked, as place, pos, ref and alt; the places behind the frame's are those of variants, the normal
    forms of the other records. added: what sources say of these.
    """

    frame: pl.DataFrame
    places: Places
    crossing: list[Change]
    longer: dict[int, Change]
    asked: pl.DataFrame
    variants: list[Variant]
    added: list[str]


class Alleles:
    """Describes the alleles of plain records. One thread only."""

    def __init__(self, work: Pass) -> None:
        self._reference = work.reference
        self._sources = work.sources
        self._fetch = work.fetch
        self._contig: tuple[str, Places, Describer] | None = None

    def describe(self, plain: pl.DataFrame, contig: str, others: list[Record]) -> Described:
        """plain: row, pos, ref and alt of the records; others: those between them. Raises EngineError."""
        prefix = self._reference.hgvs_prefix_of(contig)
        if self._contig is None or self._contig[0] != contig:
            describer = Describer(contig, self._fetch, prefix)
            self._contig = contig, Places(self._reference.features, contig), describer
        _, places, describer = self._contig
        single = (pl.col("ref").str.len_bytes() == 1) & (pl.col("alt").str.len_bytes() == 1)
        frame = (
            plain.select("row", "pos", "ref", pl.col("alt").str.split(","))
            .with_columns(alleles=pl.col("alt").list.len())
            .explode("alt")
        )
        frame = frame.with_columns(stretch=places.of(frame["pos"])).with_row_index("place")
        own: list[tuple[int, int, str, str, str | None, bool, int, str, str]] = []
        crossing: list[Change] = []
        changes: dict[int, Change] = {}
        for place, pos, ref, alt in frame.filter(~single).select("place", "pos", "ref", "alt").iter_rows():
            change, hgvs, variant = describer.describe(pos, ref, alt)
            changes[place] = change
            start, end = change.touched
            number = places.at(start)
            if number != places.at(end):
                crossing.append(change)
                number = -len(crossing)
            swap = change.ref + change.alt if change.type == "SNV" else None
            own.append((place, number, change.type, hgvs, swap, variant != (pos, ref, alt), *variant))
        longer = pl.DataFrame(own, schema=_OWN, orient="row")
        frame = frame.join(longer, on="place", how="left", suffix="_", maintain_order="left").with_columns(
            stretch=pl.coalesce("stretch_", "stretch"),
            type=pl.col("type").fill_null("SNV"),
            moved=pl.col("moved").fill_null(value=False),
            swap=pl.when(single).then(pl.concat_str("ref", "alt")).otherwise("swap"),
            hgvs=pl.coalesce(
                "hgvs",
                pl.concat_str(pl.lit(f"{prefix}."), "pos", "ref", pl.lit(">"), "alt"),
            ),
        )
        asked = frame.select("place", *(pl.coalesce(f"{one}_", one).alias(one) for one in known.KEY))
        variants, owners = normal_forms(others, self._fetch)
        more = [(len(frame) + number, *variant) for number, variant in enumerate(variants)]
        asked = asked.vstack(pl.DataFrame(more, schema=asked.schema, orient="row"))
        said, added = known.lookup(self._sources, contig, asked.drop("place"), frame["row"], others, owners)
        frame = frame.drop("stretch_", "pos_", "ref_", "alt_").hstack(said)
        # The last is always asked about: an answer there must be.
        near = places.near_series.gather(places.of(asked["pos"]))
        asked = asked.filter(near | (asked["place"] >= len(frame) - 1))
        return Described(frame, places, crossing, changes, asked, variants, added)
