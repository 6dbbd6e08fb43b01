"""Looks alleles up in installed sources: a batch in, a batch out.

A batch is brought to normal form, sorted by it, and merged with the blocks of the source's table that its positions
fall into. The rest of the table is neither read nor unpacked, so that a small file takes time by its own size; a dense
file unpacks every block once, in order. Positions of normal form may lie in front of those of the record by any length;
since the table is asked by normal position, no window has to be wide enough for them. All that is kept from batch to
batch is a few blocks and the index of one contig.
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
    """What a source was found to know."""

    alleles: int = 0
    records: int = 0


class Lookup:
    """One source, open. One thread only."""

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
        """How many blocks of the table have been unpacked so far."""
        return self._table.unpacked

    def lookup(self, contig: str, alleles: Sequence[Variant]) -> list[dict[str, str] | None]:
        """Return what the source says of alleles (position, REF, ALT) of one of the pack's contigs, by tag.

        None where it does not have the allele. REF must be the reference's, both in upper-case A, C, G, T. Any order
        is right; in order of position it is quickest. Values are as INFO holds them.
        """
        fetch = self._window.fetch
        variants = [normal(contig, pos, ref, alt, fetch) for pos, ref, alt in alleles]
        return [None if row is None else self.values(row) for row in self.find(contig, variants)]

    def find(self, contig: str, variants: Sequence[Variant]) -> list[str | None]:
        """Return the values, tab-separated, of alleles that are in normal form already."""
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
        """Return INFO entries by record number, for records with known alleles, and count these.

        rows: the result of `find` for the alleles; owners: the record of each.
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
        """Return the rows of a record's alleles, None for those that are not known, as entries of INFO."""
        values = [self.values(row) if row else {} for row in rows]
        return ";".join(
            f"{tag}={','.join(one.get(tag, '.') for one in values)}"
            for tag in self.source.tags
            if any(tag in one for one in values)
        )


class Lookups:
    """The sources of a run, open. Use as a context manager; one thread only."""

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
        """Reset the counts, for a run that starts over."""
        for lookup in self._open:
            lookup.counts = Counts()

    @property
    def replaced(self) -> dict[str, str]:
        """The tags that are written, which an input may have already, and the source that each comes from."""
        return {tag: str(lookup.source) for lookup in self._open for tag in lookup.source.tags}

    def info(
        self, contig: str, records: Sequence[Record], variants: Sequence[Variant], owners: Sequence[int]
    ) -> list[str]:
        """Return the addition to INFO for each record of a contig, "" for none. Tags have one value per ALT allele.

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
        """Return what the header and the log say of each source."""
        return {
            f"source {lookup.source.name}": f"{lookup.source} sha256:{lookup.source.checksum}" for lookup in self._open
        }

    def as_rows(self) -> list[dict[str, object]]:
        """Return what the summary says of each source, see docs/annotation.md."""
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
    """Return what was added for one ALT allele (from 0) by tag, out of what `Lookups.info` gave for its record."""
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
