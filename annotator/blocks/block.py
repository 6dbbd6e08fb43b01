"""A block of plain records in columns, with the others that stand between them: what csq is asked, and the answer."""

import io
from bisect import bisect_left
from typing import TYPE_CHECKING

from annotator import tags
from annotator.alleles import Change
from annotator.blocks.places import Places
from annotator.compose import Found
from annotator.errors import EngineError
from annotator.preflight.records import Record
from annotator.stream import Pass, asked, bare, composed

if TYPE_CHECKING:
    import polars as pl

#: csq writes when it has so much; a last line of this length makes it write what it knows of a block, even if it had
#: few lines, so that blocks do not pile up behind one that waits.
PUSH = 64 * 1024
TRANSITIONS = ("AG", "GA", "CT", "TC")
_TAGS = list(tags.DESCRIPTIONS)


class Block:
    """A `stream.Piece` of one contig.

    frame: a row for each plain record, in order, with its row in the block, its columns, and what Cutter adds; crossing:
    see Cutter; others: with their rows.
    """

    def __init__(
        self,
        name: str,
        contig: str,
        size: int,
        frame: "pl.DataFrame",
        crossing: list[Change],
        others: list[tuple[int, Record]],
        places: Places,
        work: Pass,
    ) -> None:
        self.contig = contig
        self.records = len(frame) + len(others)
        self._name = name
        self._frame = frame
        self._crossing = crossing
        self._others = others
        self._added = work.sources.info([record for _, record in others])
        self._places = places
        self._work = work
        self.size = size
        # The last record is always asked about, see PUSH.
        self._ask()

    def _ask(self) -> None:
        import polars as pl

        last = pl.int_range(pl.len()) == pl.len() - 1
        self._frame = self._frame.with_columns(near=pl.col("near") | last)
        self._asked_rows = self._frame.filter("near")["row"].to_list()
        self.asked = len(self._asked_rows) + sum(asked(record) for _, record in self._others)

    def bare(self) -> bytes:
        """See Piece.bare."""
        import polars as pl

        lines = self._frame.filter("near").select(
            "row",
            line=pl.concat_str(
                pl.lit(f"{self.contig}\t"), "pos", pl.lit("\t.\t"), "ref", pl.lit("\t"), "alt", pl.lit("\t.\t.\t.\n")
            ),
        )
        if self._others:
            more = {"row": [row for row, _ in self._others], "line": [bare(record) for _, record in self._others]}
            lines = lines.vstack(pl.DataFrame(more, schema=lines.schema)).sort("row")
        text: str = lines["line"].str.join("").item()
        start = text.rfind("\n", 0, -1) + 1
        contig, pos, _, rest = text[start:].split("\t", 3)
        return f"{text[:start]}{contig}\t{pos}\t{'x' * PUSH}\t{rest}".encode("ascii")

    def compose(self, answers: list[bytes]) -> bytes:
        """See Piece.compose."""
        import polars as pl

        mine, theirs = self._dealt(answers)
        frame = self._frame.with_columns(bcsq=self._bcsq(mine))
        frame = self._with_texts(frame)
        info = pl.when(pl.col("info") == ".").then(pl.lit("")).otherwise(pl.col("info") + ";")
        added = pl.when(pl.col("added") == "").then(pl.lit("")).otherwise(pl.lit(";") + pl.col("added"))
        single = pl.concat_str("pos", "ref", pl.lit(">"), "alt")
        prefix = self._work.reference.hgvs_prefix_of(self.contig) + "."
        hgvs = pl.coalesce("hgvs", pl.lit(prefix) + single)
        columns: list[pl.Expr] = [pl.lit(self._name), pl.col("pos").cast(pl.String)]
        columns += [pl.col(name) for name in ("id", "ref", "alt", "qual", "filter")]
        columns.append(pl.concat_str(info, "before", hgvs, "after", added))
        if frame["tail"].null_count() == 0:
            columns.append(pl.col("tail"))
        lines = frame.select("row", line=pl.concat_str(columns, separator="\t"))
        if self._others:
            texts = [
                composed(record, given, added, self._work)[:-1]
                for (_, record), given, added in zip(self._others, theirs, self._added, strict=True)
            ]
            more = {"row": [row for row, _ in self._others], "line": texts}
            lines = lines.vstack(pl.DataFrame(more, schema=lines.schema)).sort("row")
        text: str = lines["line"].str.join("\n").item()
        return f"{text}\n".encode("latin-1")  # what sources say is kept as such

    def _dealt(self, answers: list[bytes]) -> tuple[list[bytes], list[list[bytes]]]:
        """csq's answers for the rows of the frame that it was asked about, and those for each of the others."""
        if not self._others:
            return answers, []
        mine: list[bytes] = []
        theirs: list[list[bytes]] = []
        at = 0
        for row, record in self._others:
            before = bisect_left(self._asked_rows, row) - len(mine)
            mine += answers[at : at + before]
            at += before
            theirs.append(answers[at : at + asked(record)])
            at += asked(record)
        return mine + answers[at:], theirs

    def _bcsq(self, answers: list[bytes]) -> "pl.Series":
        """The value of BCSQ for each row, "" for none. Raises EngineError if answers are on other positions."""
        import polars as pl

        names = [str(number) for number in range(7)]
        read = pl.read_csv(
            io.BytesIO(b"".join(answers)), separator="\t", has_header=False, quote_char=None, infer_schema=False,
            new_columns=[*names, "info"],
        )  # fmt: skip
        near = self._frame["near"]
        if not read["1"].cast(pl.Int64).equals(self._frame["pos"].filter(near), check_names=False):
            raise EngineError("csq-order", "bcftools csq gave its records back in another order")
        info = read["info"]
        found = read.select(
            pl.when(info.str.starts_with("BCSQ=")).then(info.str.slice(5)).otherwise(pl.lit("")).alias("bcsq")
        )["bcsq"]
        number = near.cum_sum().cast(pl.Int64) - 1
        return found.gather(number.clip(0)).zip_with(near, pl.Series([""]).new_from_index(0, len(near)))

    def _with_texts(self, frame: "pl.DataFrame") -> "pl.DataFrame":
        """Add before and after: INFO's entries in front of the change's own description and behind it."""
        import polars as pl

        numbers: dict[tuple[int, str], int] = {}
        keys = zip(frame["stretch"].to_list(), frame["bcsq"].to_list(), strict=True)
        frame = frame.with_columns(kind=pl.Series([numbers.setdefault(key, len(numbers)) for key in keys]))
        found = [self._found(*key) for key in numbers]
        texts = [_texts(one, bcsq) for one, (_, bcsq) in zip(found, numbers, strict=True)]
        before, after = (pl.Series([text[side] for text in texts], dtype=pl.String) for side in (0, 1))
        self._count(frame, found)
        return frame.with_columns(before=before.gather(frame["kind"]), after=after.gather(frame["kind"]))

    def _found(self, stretch: int, bcsq: str) -> Found:
        change = self._crossing[-1 - stretch] if stretch < 0 else Change(self._places.edges[stretch], "N", "N")
        return self._work.composer.found(self.contig, change, bcsq)

    def _count(self, frame: "pl.DataFrame", found: list[Found]) -> None:
        summary = self._work.summary
        for kind, count in frame["kind"].value_counts().iter_rows():
            summary.consequences[found[kind].term] += count
            for gene in found[kind].genes:
                summary.genes[gene] += count
        summary.types.update(dict(frame["type"].value_counts().iter_rows()))
        swaps = frame["swap"].drop_nulls()
        transitions = int(swaps.is_in(TRANSITIONS).sum())
        summary.transitions += transitions
        summary.transversions += len(swaps) - transitions
        summary.alleles += len(frame)
        summary.records += len(frame)


def _texts(found: Found, bcsq: str) -> tuple[str, str]:
    values = dict(zip(_TAGS, found.values(""), strict=True))
    entries = [f"{tags.BCSQ}={bcsq}"] if bcsq else []
    entries += [f"{tag}={values[tag]}" for tag in (tags.GENE, tags.CONSEQUENCE) if values[tag]]
    after = f";{tags.HGVS_P}={values[tags.HGVS_P]}" if values[tags.HGVS_P] else ""
    return ";".join([*entries, f"{tags.HGVS_G}="]), after
