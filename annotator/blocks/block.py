"""A block of plain records in columns, with the others that stand between them: what csq is asked, and the answer."""

import io
from functools import partial
from itertools import groupby, permutations

import polars as pl

from annotator import tags
from annotator.alleles import Change, Kind, is_transition
from annotator.blocks import known, numbering
from annotator.blocks.alleles import Described
from annotator.compose import Allele, Composer, Found, respelled
from annotator.preflight.records import Record
from annotator.sources.matching import Window
from annotator.stream import BLANK, Pass, composed, out_of_order, padded

TRANSITIONS = [ref + alt for ref, alt in permutations("ACGT", 2) if is_transition(Change(1, ref, alt))]
_TAGS = list(tags.DESCRIPTIONS)
_LEFT = ("id", "ref", "alt", "qual", "filter")


class Block:
    """A `stream.Piece`. name: the contig's in the file; size: of the records' text; frame: the plain records, as
    PlainRecords has them; others: the others, each with its row.
    """

    def __init__(
        self,
        name: str,
        contig: str,
        size: int,
        frame: pl.DataFrame,
        others: list[tuple[int, Record]],
        described: Described,
        work: Pass,
    ) -> None:
        self.contig = contig
        self.size = size
        self.records = len(frame) + len(others)
        self._name = name
        self._frame = frame
        self._others = others
        self._described = described
        self._work = work
        self.asked = len(described.asked)

    def bare(self) -> bytes:
        """See Piece.bare."""
        line = pl.concat_str(
            pl.lit(f"{self.contig}\t"),
            "pos",
            pl.lit("\t"),
            "place",
            pl.lit("\t"),
            "ref",
            pl.lit("\t"),
            "alt",
            pl.lit(BLANK),
        )
        text: str = self._described.asked.sort("pos", maintain_order=True).select(line.str.join("")).item()
        return padded(text, self.size)

    def places(self) -> list[tuple[int, int]]:
        """See Piece.places."""
        last = pl.col("pos") + pl.col("ref").str.len_bytes().cast(pl.Int64) - 1
        return self._described.asked.select("pos", last.alias("last")).rows()

    def compose(self, answers: bytes) -> bytes:
        """See Piece.compose."""
        count = len(self._described.frame)
        answered = self._answered(answers)
        bcsq = self._described.frame.select("place").join(answered, on="place", how="left", maintain_order="left")
        alleles, found = self._found(self._described.frame.with_columns(bcsq=bcsq["bcsq"].fill_null("")))
        alleles = alleles.with_columns(on=self._on_transcripts(alleles, found))
        self._count(alleles, found)
        lines = self._lines(self._infos(_respelled(alleles), found))
        rest = answered.filter(pl.col("place") >= count)["bcsq"]
        given = zip(self._described.variants, rest, strict=True)
        others = [
            composed(record, given, added, self._work)[:-1]
            for (_, record), added in zip(self._others, self._described.added, strict=True)
        ]
        text = self._joined(lines, others)
        # What sources say is kept as Latin-1, like all that is not known to be ASCII.
        return f"{text}\n".encode("latin-1")

    def _joined(self, lines: pl.DataFrame, others: list[str]) -> str:
        """The text of lines (row, line) and of those of the others, in order."""
        if others:
            more = {"row": [row for row, _ in self._others], "line": others}
            lines = lines.vstack(pl.DataFrame(more, schema=lines.schema)).sort("row")
        text: str = lines["line"].str.join("\n").item()
        return text

    def _answered(self, answers: bytes) -> pl.DataFrame:
        """csq's answers: place, bcsq; in order. Raises EngineError if they are not to what was asked."""
        said = pl.when(pl.col("info").str.starts_with("BCSQ=")).then(pl.col("info").str.slice(5)).otherwise(pl.lit(""))
        read = pl.read_csv(
            io.BytesIO(answers), separator="\t", has_header=False, quote_char=None, infer_schema=False,
            new_columns=["contig", "pos", "place", "ref", "alt", "qual", "filter", "info"],
        )  # fmt: skip
        place = pl.col("place").str.extract("^([0-9]+)").cast(pl.UInt32)
        read = read.select(place, pl.col("pos").cast(pl.Int64), bcsq=said).sort("place")
        asked = self._described.asked
        if not (read["place"].equals(asked["place"]) and read["pos"].equals(asked["pos"])):
            raise out_of_order()
        return read.select("place", "bcsq")

    def _found(self, alleles: pl.DataFrame) -> tuple[pl.DataFrame, list[Found]]:
        """What the alleles do. Those that lie in one stretch, and of which csq says the same, do the same: the frame
        gets the place of each one's in the list, as kind.
        """
        keys = ["stretch", "bcsq"]
        kinds = alleles.select(keys).unique(maintain_order=True)
        alleles = alleles.join(kinds.with_row_index("kind"), on=keys, how="left", maintain_order="left")
        edges, crossing = self._described.places.edges, self._described.crossing
        changes = (crossing[-1 - one] if one < 0 else Change(edges[one], "N", "N") for one in kinds["stretch"])
        found = self._work.composer.found
        bcsqs = kinds["bcsq"].to_list()
        return alleles, [found(self.contig, change, bcsq) for change, bcsq in zip(changes, bcsqs, strict=True)]

    def _on_transcripts(self, alleles: pl.DataFrame, found: list[Found]) -> pl.Series:
        models = [one.model for one in found]
        fetch = Window(self._work.reference.sequence.fetch).fetch
        return numbering.described(alleles, models, self._described.longer, partial(fetch, self.contig))

    def _count(self, alleles: pl.DataFrame, found: list[Found]) -> None:
        summary = self._work.summary
        for kind, count in alleles["kind"].value_counts().iter_rows():
            summary.consequences[found[kind].term] += count
            for gene in found[kind].genes:
                summary.genes[gene] += count
        summary.types.update(dict(alleles["type"].value_counts().iter_rows()))
        swaps = alleles["swap"].drop_nulls()
        transitions = int(swaps.is_in(TRANSITIONS).sum())
        summary.transitions += transitions
        summary.transversions += len(swaps) - transitions
        summary.alleles += len(alleles)
        summary.records += len(self._frame)

    def _infos(self, alleles: pl.DataFrame, found: list[Found]) -> pl.DataFrame:
        """What is added to INFO: row, text."""
        single = alleles.filter(pl.col("alleles") == 1)
        kinds = single.select("kind").unique()
        texts = [_texts(found[kind]) for kind in kinds["kind"]]
        schema = dict.fromkeys(("before", "flag", "after"), pl.String)
        parts = pl.DataFrame(texts, schema=schema, orient="row").with_columns(kind=kinds["kind"])
        single = single.join(parts, on="kind", how="left", maintain_order="left")
        sources = list(self._work.sources)
        said = [known.entries(one.source.tags, f"said {number}") for number, one in enumerate(sources)]
        said = [pl.when(one != "").then(pl.lit(";") + one).otherwise(pl.lit("")) for one in said]
        on = pl.lit(f";{tags.HGVS_C}=") + pl.col("on").str.replace_many(tags.ESCAPES) + pl.col("flag")
        on = pl.when(pl.col("on") == "").then(pl.lit("")).otherwise(on)
        bcsq = pl.when(pl.col("bcsq") == "").then(pl.lit("")).otherwise(pl.lit(f"{tags.BCSQ}=") + pl.col("bcsq") + ";")
        infos = single.select("row", text=pl.concat_str(bcsq, "before", "hgvs", on, "after", *said))
        several = alleles.filter(pl.col("alleles") > 1)
        if not len(several):
            return infos
        columns = ["row", "alt", "kind", "bcsq", "hgvs", "on", *(f"said {number}" for number in range(len(sources)))]
        more = []
        for row, group in groupby(several.select(columns).iter_rows(), key=lambda values: values[0]):
            members = list(group)
            added = ";".join(
                sources[number].info_of(rows)
                for number, rows in enumerate(list(zip(*members, strict=True))[6:])
                if any(one is not None for one in rows)
            )
            described = [
                Allele(alt, Kind.SEQUENCE, bcsq=bcsq, values=found[kind].values(hgvs, _on(found[kind], on)))
                for _, alt, kind, bcsq, hgvs, on, *_ in members
            ]
            more.append((row, Composer.info("", described, added)))
        return infos.vstack(pl.DataFrame(more, schema=infos.schema, orient="row")).sort("row")

    def _lines(self, infos: pl.DataFrame) -> pl.DataFrame:
        """The records' lines: row, line."""
        frame = self._frame.with_columns(text=infos["text"])
        info = pl.when(pl.col("info") == ".").then(pl.lit("")).otherwise(pl.col("info") + ";") + pl.col("text")
        columns = [pl.lit(self._name), pl.col("pos").cast(pl.String), *map(pl.col, _LEFT), info]
        if frame["tail"].null_count() == 0:
            columns.append(pl.col("tail"))
        return frame.select("row", line=pl.concat_str(columns, separator="\t"))


def _respelled(alleles: pl.DataFrame) -> pl.DataFrame:
    moved = alleles.filter("moved", pl.col("bcsq").str.contains(">", literal=True))
    texts = [
        respelled(bcsq, (pos, ref, alt))
        for bcsq, pos, ref, alt in moved.select("bcsq", "pos", "ref", "alt").iter_rows()
    ]
    own = moved.select("place", spelled=pl.Series(texts, dtype=pl.String))
    alleles = alleles.join(own, on="place", how="left", maintain_order="left")
    return alleles.with_columns(bcsq=pl.coalesce("spelled", "bcsq"))


def _on(found: Found, text: str) -> tuple[str, str]:
    return (text, found.model.flag) if text and found.model else ("", "")


def _texts(found: Found) -> tuple[str, str, str]:
    """INFO's entries in front of the genomic description, behind that on a transcript, and behind both."""
    values = dict(zip(_TAGS, found.values(""), strict=True))
    entries = [f"{tag}={values[tag]}" for tag in (tags.GENE, tags.CONSEQUENCE) if values[tag]]
    after = f";{tags.HGVS_P}={values[tags.HGVS_P]}" if values[tags.HGVS_P] else ""
    flag = f";{tags.TRANSCRIPT}={found.model.flag}" if found.model and found.model.flag else ""
    return ";".join([*entries, f"{tags.HGVS_G}="]), flag, after
