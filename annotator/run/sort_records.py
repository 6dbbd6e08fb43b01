"""Sort records by position, on disk."""

from collections.abc import Callable, Iterator
from pathlib import Path

from annotator.effects.allele import Kind
from annotator.formats.external_sort import ExternalSort
from annotator.preflight.record import Record

_Row = tuple[int, int, int, str]  # index of the contig, position, index of the record in the file, the record's text


def sort_records(
    records: Iterator[Record], contigs: list[str], folder: Path, check: Callable[[], None]
) -> Iterator[Record]:
    """Yield the records sorted by contig and position. Records at the same position keep the file's order.

    Args:
        records: the records in the file's order.
        contigs: the names of the contigs, in the order of the output.
        folder: a folder for the sorted runs.
        check: called often; may raise to stop.
    """
    place = {name: number for number, name in enumerate(contigs)}
    rows = ExternalSort(folder, _encode, _decode, check)
    for number, record in enumerate(records):
        kinds = ",".join(record.kinds)
        text = "\t".join((str(record.line), record.contig, kinds, record.left, record.info, record.tail))
        rows.add((place[record.contig], record.pos, number, text), len(text))
    for _, pos, _, text in rows.sorted():
        yield _record(pos, text)


def _encode(row: _Row) -> str:
    contig, pos, number, text = row
    return f"{contig}\t{pos}\t{number}\t{text}"


def _decode(line: str) -> _Row:
    contig, pos, number, text = line.split("\t", 3)
    return int(contig), int(pos), int(number), text


def _record(pos: int, text: str) -> Record:
    # left has seven columns, tail any number of columns; info is the column between them.
    columns = text.split("\t", 11)
    return Record(
        line=int(columns[0]),
        contig=columns[1],
        pos=pos,
        ref=columns[6],
        alts=columns[7].split(","),
        kinds=[Kind(kind) for kind in columns[2].split(",")],
        left="\t".join(columns[3:10]),
        info=columns[10],
        tail=columns[11],
    )
