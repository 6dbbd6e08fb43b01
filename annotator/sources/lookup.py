"""Look alleles up in installed sources, batch by batch.

A batch is normalized, sorted, and merged with those blocks of the source's table that contain its positions. No other
block is read or unpacked, so a small file takes little time; a dense file unpacks every block once, in order. A
position in normal form may be any number of bases before that of the record. Since lookups use normal positions, they
need no window around the record. Between batches, only a few blocks and the index of one contig stay in memory.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annotator.effects import info_tags
from annotator.effects.normalize import Variant, Window, normal
from annotator.errors import EngineError
from annotator.preflight.record import Record
from annotator.reference.pack import Reference
from annotator.sources.manifest import Source, sequence_id
from annotator.sources.table import Table


@dataclass
class Counts:
    """Numbers of alleles and records that a source knows."""

    alleles: int = 0
    records: int = 0


class Lookup:
    """One open source. For one thread only."""

    def __init__(self, source: Source, reference: Reference) -> None:
        if source.sequence != sequence_id(reference):
            raise EngineError("bad-source", f"{source.name} was made for another {reference.id}: install it again")
        self.source = source
        self.counts = Counts()
        self._form = ";".join(f"{tag}=%s" for tag in source.tags)
        self._window = Window(reference.sequence.fetch)
        try:
            self._table = Table(source.folder, source.sections)
        except OSError as error:
            raise EngineError("bad-source", f"{source.name} cannot be opened: {error.strerror}") from error

    def close(self) -> None:
        self._table.close()

    @property
    def unpacked(self) -> int:
        """The number of blocks of the table that have been unpacked."""
        return self._table.unpacked

    def lookup(self, contig: str, alleles: Sequence[Variant]) -> list[dict[str, str] | None]:
        """Look alleles up.

        Args:
            contig: one of the pack's contigs.
            alleles: (position, REF, ALT) in upper-case A, C, G and T, with the reference's REF. They may be in any
                order; lookups in order of position are fastest.

        Returns:
            For each allele, the values of the source by tag, as INFO has them; None if the source does not have the
            allele.
        """
        fetch = self._window.fetch
        variants = [normal(contig, pos, ref, alt, fetch) for pos, ref, alt in alleles]
        return [None if row is None else self.values(row) for row in self.find(contig, variants)]

    def find(self, contig: str, variants: Sequence[Variant]) -> list[str | None]:
        """Return the tab-separated values of alleles in normal form; None for those that the source does not have."""
        order = sorted(range(len(variants)), key=variants.__getitem__)
        found: list[str | None] = [None] * len(variants)
        for place, row in zip(order, self._table.find(contig, [variants[place] for place in order]), strict=True):
            found[place] = row
        return found

    def places(self, contig: str) -> tuple[Sequence[int], Sequence[int]]:
        """See Table.places."""
        return self._table.places(contig)

    def text(self, contig: str, blocks: Sequence[int]) -> bytes:
        """See Table.text."""
        return self._table.text(contig, blocks)

    def values(self, row: str) -> dict[str, str]:
        """Return the values of a row by tag, without those that are missing."""
        texts = row.split("\t")
        return {tag: text for tag, text in zip(self.source.tags, texts, strict=True) if text != "."}

    def info(self, row: str) -> str:
        """Return a row as entries of INFO."""
        texts = row.split("\t")
        if "." not in texts:
            return self._form % tuple(texts)
        return ";".join(f"{tag}={text}" for tag, text in self.values(row).items())

    def texts(self, records: Sequence[Record], owners: Sequence[int], rows: Sequence[str | None]) -> dict[int, str]:
        """Return INFO entries by record number for records with known alleles, and count these.

        Args:
            records: the records.
            owners: the number of each allele's record.
            rows: the result of `find` for the alleles.
        """
        found: dict[int, str] = {}
        for place, row in enumerate(rows):
            if row is None:
                continue
            self.counts.alleles += 1
            number = owners[place]
            if number in found:
                continue
            self.counts.records += 1
            record = records[number]
            if len(record.alts) == 1:
                found[number] = self.info(row)
                continue
            first = bisect_left(owners, number)
            answers = iter(rows[first : first + len(record.alts)])
            wanted = set(record.predictable)
            found[number] = self.info_of([next(answers) if alt in wanted else None for alt in record.alts])
        return found

    def info_of(self, rows: Sequence[str | None]) -> str:
        """Return the rows of a record's alleles as INFO entries. A row is None if the allele is not known."""
        values = [self.values(row) if row else {} for row in rows]
        return ";".join(
            f"{tag}={','.join(one.get(tag, '.') for one in values)}"
            for tag in self.source.tags
            if any(tag in one for one in values)
        )


class Lookups:
    """The open sources of a run. Use as a context manager. For one thread only."""

    def __init__(self, sources: Sequence[Source], reference: Reference) -> None:
        _check(sources)
        self._open: list[Lookup] = []
        try:
            for source in sources:
                self._open.append(Lookup(source, reference))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Lookups":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for lookup in self._open:
            lookup.close()

    def __iter__(self) -> Iterator[Lookup]:
        return iter(self._open)

    def restart(self) -> None:
        """Reset the counts when a run starts over."""
        for lookup in self._open:
            lookup.counts = Counts()

    @property
    def replaced(self) -> dict[str, str]:
        """The tags that sources write, with their source. An input may have the same tags."""
        return {tag: str(lookup.source) for lookup in self._open for tag in lookup.source.tags}

    def info(
        self, contig: str, records: Sequence[Record], variants: Sequence[Variant], owners: Sequence[int]
    ) -> list[str]:
        """Return the addition to INFO for each record of a contig, "" for none. Tags have one value per ALT allele.

        Args:
            contig: the contig of the records.
            records: the records.
            variants, owners: the result of `normal_forms` for the records.
        """
        added = [""] * len(records)
        for lookup in self._open:
            for number, text in lookup.texts(records, owners, lookup.find(contig, variants)).items():
                added[number] = f"{added[number]};{text}" if added[number] else text
        return added

    def definitions(self) -> list[str]:
        """Return the header lines that declare the tags."""
        lines = []
        for lookup in self._open:
            source = lookup.source
            for field in source.fields:
                description = f"{source}: {field.description.rstrip('.')}"
                line = (
                    f"##INFO=<ID={field.tag},Number=A,Type={field.written_type},Description={info_tags.quoted(description)},"
                    f"Source={info_tags.quoted(source.name)},Version={info_tags.quoted(source.version)}>"
                )
                lines.append(line.encode("utf-8").decode("latin-1"))
        return lines

    def facts(self) -> dict[str, str]:
        """Return the facts about each source for the header and the log."""
        return {
            f"source {lookup.source.name}": f"{lookup.source} sha256:{lookup.source.checksum}" for lookup in self._open
        }

    def as_rows(self) -> list[dict[str, object]]:
        """Return the rows about sources for the summary, as docs/annotation.md describes them."""
        return [
            {
                "name": lookup.source.name,
                "title": lookup.source.title,
                "version": lookup.source.version,
                "checksum": lookup.source.checksum,
                "tags": list(lookup.source.tags),
                "alleles": lookup.counts.alleles,
                "records": lookup.counts.records,
            }
            for lookup in self._open
        ]


def by_allele(added: str, number: int) -> dict[str, str]:
    """Return the values for one ALT allele (from 0), by tag, from the result of `Lookups.info` for its record."""
    found = {}
    for entry in added.split(";") if added else ():
        tag, _, values = entry.partition("=")
        value = values.split(",")[number]
        if value != ".":
            found[tag] = value
    return found


def _check(sources: Sequence[Source]) -> None:
    owners: dict[str, str] = {}
    for source in sources:
        for tag in source.tags:
            if tag in owners:
                raise EngineError("bad-source", f"{owners[tag]} and {source.name} both write the tag {tag}")
            owners[tag] = source.name
