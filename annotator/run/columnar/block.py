"""A block of lines of one contig, and the annotated lines."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from annotator.effects.allele import Change, is_transition
from annotator.effects.normalize import Variant, Window
from annotator.effects.terms import IMPACT
from annotator.formats.tabix import LAST, Places
from annotator.preflight.record import Record
from annotator.run.columnar import alleles as changes
from annotator.run.columnar import index_positions, kinds, known, lines, numbering, scan, source_tags
from annotator.run.columnar import own_entries as own
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.clinical import Significances, findings_among
from annotator.run.columnar.compiled import Bytes
from annotator.run.columnar.kinds import BlockConsequences, Kinds
from annotator.run.columnar.scan import CHROM, ID, REF, Lines
from annotator.run.columnar.text_sets import Words
from annotator.run.columnar.window import Window as BasesAround
from annotator.run.composer import normal_forms
from annotator.run.outputs.summary import TYPES
from annotator.run.piece import composed, placed_by_ref
from annotator.run.stream import Pass
from annotator.sources.findings import Place

_Clinical = tuple[int, Mapping[str, str], Callable[[], Place], tuple[str, int]]


class Block:
    """A block of lines of one contig. Implements `piece.Piece`.

    Args:
        contig: the reference's name of the contig.
        text: whole lines of the contig.
        columns: the offsets of the columns of the lines.
        window: the bases around the lines.
        alleles: the alleles of plain records.
        others: the records that are not plain, each with the index of its line.
        teller: describes the kinds of alleles on the contig.
        significances: the cache of classes of clinical significance.
        renamed: tags of other annotators that the file has.
        work: the pass.
    """

    def __init__(
        self,
        contig: str,
        text: Bytes,
        columns: Lines,
        window: BasesAround,
        alleles: Alleles,
        others: Sequence[tuple[int, Record]],
        teller: Kinds,
        significances: Significances,
        renamed: Words,
        work: Pass,
    ) -> None:
        self.contig = contig
        self._plain = int(np.count_nonzero(columns.plain))
        self.records = self._plain + len(others)
        self._text = text
        self._lines = columns
        self._window = window
        self._alleles = alleles
        self._others = others
        self._kinds = teller
        self._significances = significances
        self._renamed = renamed
        self._work = work

    def annotate(self) -> None:
        """See Piece.annotate."""
        records = [record for _, record in self._others]
        variants, owners = normal_forms(records, self._work.fetch)
        self._said, added = known.lookup(self._work.sources, self.contig, self._alleles, records, variants, owners)
        found = self._kinds.of(self._alleles, self._window, self._lines.pos)
        self._count(found)
        phased = self._work.phased(records, variants)
        others = self._composed(iter(variants), added, phased, self._clinical())
        self._found = kinds.texts(found), found.numbers, others

    def lines(self) -> memoryview:
        """See Piece.lines."""
        (texts, transcripts, columns), numbers, others = self._found
        fetch = partial(Window(self._work.reference.sequence.fetch).fetch, self.contig)
        pairs, owners, entries = own.paired(numbers, texts)
        on = texts.transcript[entries]
        described = numbering.described(self._alleles, owners, on, transcripts, columns, fetch)
        names = [source_tags.names_of(source.source.tags) for source in self._work.sources]
        data, self._begins = lines.written(
            self._text,
            self._lines,
            self._alleles,
            own.Found(numbers, texts, pairs, described),
            list(zip(self._said, names, strict=True)),
            own.tags_of(self._work.reference.hgvs_prefix_of(self.contig)),
            lines.others_of(len(self._lines.pos), others),
            self._renamed,
        )
        self._data = data
        return data

    def unproven(self) -> bytes | memoryview:
        """See Piece.unproven."""
        left = np.flatnonzero(~self._lines.proven)
        if 2 * len(left) > len(self._lines.pos):
            return self._data
        spans = zip(self._begins[left].tolist(), self._begins[left + 1].tolist(), strict=True)
        return b"".join(self._data[begin:end] for begin, end in spans)

    def indexed(self) -> tuple[bytes, Places | None]:
        """See Piece.indexed."""
        name = self._text[: self._lines.ends[0, CHROM]].tobytes()
        ends = self._lines.ends
        pos, size = self._lines.pos.copy(), ends[:, REF] - ends[:, ID] - 1
        for line, record in self._others:
            pos[line], size[line] = record.pos, len(record.ref)
            if not placed_by_ref(record):
                return name, None
        if pos.max() + scan.LONGEST > LAST:
            return name, None
        there = np.flatnonzero(np.diff(self._begins))
        begins = np.append(self._begins[there], self._begins[-1])
        return name, index_positions.places(pos[there], pos[there] + size[there] - 1, begins)

    def _written(self, number: int) -> Variant:
        """Return POS, REF and ALT of an allele as they are in the file."""
        line = self._alleles.line[number]
        ends = self._lines.ends[line]
        ref = self._text[ends[ID] + 1 : ends[REF]].tobytes().decode()
        alt = self._text[self._alleles.alt[number] : self._alleles.alt_end[number]].tobytes().decode()
        return int(self._lines.pos[line]), ref, alt

    def _clinical(self) -> list[_Clinical]:
        """Return the alleles of plain records that may be listed as findings, in order; count the other findings.

        Each allele has the index of its line, the values of clinical sources, a function that returns its Place, and
        its position.
        """
        sources = [*self._work.sources]
        found: list[_Clinical] = []
        findings, places = self._work.summary.findings, (self.contig, self._alleles.start)
        for number in findings_among(self._significances, sources, self._said, findings, places).tolist():
            values: dict[str, str] = {}
            for source, said in zip(sources, self._said, strict=True):
                if source.source.roles.significance and said.start[number] >= 0:
                    row = said.text[said.start[number] : said.stop[number]].tobytes().decode("latin-1")
                    values.update(source.values(row))
            place = partial(self._place, number)
            position = self.contig, int(self._alleles.start[number])
            found.append((int(self._alleles.line[number]), values, place, position))
        return found

    def _place(self, number: int) -> Place:
        pos, ref, alt = self._written(number)
        described = self._work.composer.described(self.contig, self._alleles.variant(number))
        found = described.consequences
        return Place(self.contig, pos, ref, alt, described.hgvs_g, list(found.genes), found.term, found.proteins)

    def _composed(
        self,
        variants: Iterator[Variant],
        added: Sequence[str],
        phased: Mapping[Variant, str],
        clinical: Sequence[_Clinical],
    ) -> list[tuple[int, bytes]]:
        """Return the other records' lines. Findings of plain records, `clinical`, are added in file order."""
        findings = self._work.summary.findings
        left = deque(clinical)
        composed_lines = []
        for (line, record), told in zip(self._others, added, strict=True):
            while left and left[0][0] < line:
                findings.add(*left.popleft()[1:])
            composed_lines.append((line, composed(record, variants, told, phased, self._work).encode("latin-1")))
        for one in left:
            findings.add(*one[1:])
        return composed_lines

    def _count(self, found: BlockConsequences) -> None:
        summary, alleles = self._work.summary, self._alleles
        for kind, count in zip(
            found.kinds, np.bincount(found.numbers, minlength=len(found.kinds)).tolist(), strict=False
        ):
            summary.consequences[kind.consequences.term] += count
            for gene in kind.consequences.genes:
                summary.genes[gene] += count
        if found.snvs is not None:
            for term, count in zip(IMPACT, np.bincount(found.snvs.rank, minlength=len(IMPACT)).tolist(), strict=True):
                if count:
                    summary.consequences[term] += count
            for gene, count in found.snvs.genes:
                summary.genes[gene] += count
        for type_, count in zip(TYPES, np.bincount(alleles.kind, minlength=len(TYPES)).tolist(), strict=True):
            summary.types[type_] += count
        single = alleles.kind == changes.SNV
        swaps = np.bincount(
            256 * alleles.letters[alleles.ref[single]].astype(np.int64) + alleles.letters[alleles.given[single]]
        )
        for swap in np.flatnonzero(swaps).tolist():
            if is_transition(Change(1, chr(swap >> 8), chr(swap & 255))):
                summary.transitions += int(swaps[swap])
            else:
                summary.transversions += int(swaps[swap])
        summary.alleles += len(alleles.pos)
        summary.records += self._plain
