"""What a change does to a transcript, written as the definitions read: slow, plain, without the annotator's code.

A transcript is a list of its bases, introns included, in its own direction; a change replaces some of them. Terms are
those of the Sequence Ontology, with the distances of Ensembl VEP; proteins are described by HGVS v21.
"""

from dataclasses import dataclass
from itertools import pairwise

PAIRS = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
NAMES = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His",
    "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp",
    "Y": "Tyr", "V": "Val", "*": "Ter", "U": "Sec",
}  # fmt: skip
#: The standard genetic code, residue by residue.
STANDARD = {
    "A": "GCA GCC GCG GCT", "R": "AGA AGG CGA CGC CGG CGT", "N": "AAC AAT", "D": "GAC GAT", "C": "TGC TGT",
    "Q": "CAA CAG", "E": "GAA GAG", "G": "GGA GGC GGG GGT", "H": "CAC CAT", "I": "ATA ATC ATT",
    "L": "CTA CTC CTG CTT TTA TTG", "K": "AAA AAG", "M": "ATG", "F": "TTC TTT", "P": "CCA CCC CCG CCT",
    "S": "AGC AGT TCA TCC TCG TCT", "T": "ACA ACC ACG ACT", "W": "TGG", "Y": "TAC TAT", "V": "GTA GTC GTG GTT",
    "*": "TAA TAG TGA",
}  # fmt: skip
#: What is other in the mitochondria of vertebrates.
MITOCHONDRIAL = {"ATA": "M", "TGA": "W", "AGA": "*", "AGG": "*"}
STARTS = {1: {"ATG"}, 2: {"ATG", "ATA", "ATT", "ATC", "GTG"}}


def residue(codon: str, code: int) -> str:
    if code == 2 and codon in MITOCHONDRIAL:
        return MITOCHONDRIAL[codon]
    return next((name for name, codons in STANDARD.items() if codon in codons.split()), "X")


@dataclass(frozen=True)
class Gene:
    """One transcript.

    exons: first and last base on the contig.
    coding: first and last coding base, None for none.
    mature: first and last base of each mature product of a microRNA.
    """

    strand: str
    exons: tuple[tuple[int, int], ...]
    coding: tuple[int, int] | None
    code: int = 1
    mature: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Base:
    """One base of the transcript. exon: its number, from 0; None in introns."""

    position: int
    letter: str
    exon: int | None
    is_coding: bool


class Transcript:
    def __init__(self, gene: Gene, contig: str) -> None:
        self.gene = gene
        reverse = gene.strand == "-"
        exons = gene.exons[::-1] if reverse else gene.exons
        self.bases: list[Base] = []
        for position in range(gene.exons[0][0], gene.exons[-1][1] + 1):
            exon = next((n for n, (first, last) in enumerate(exons) if first <= position <= last), None)
            letter = contig[position - 1]
            coding = gene.coding is not None and exon is not None and gene.coding[0] <= position <= gene.coding[1]
            self.bases.append(Base(position, PAIRS[letter] if reverse else letter, exon, coding))
        if reverse:
            self.bases.reverse()
        self.text = "".join(base.letter for base in self.bases)
        self.reverse = reverse

    def placed(self, pos: int, ref: str, alt: str) -> tuple[int, str, str] | None:
        """Return where among the bases the change begins, from 0, with REF and ALT in the transcript's direction.

        None if it does not lie within the transcript. Of several places for the same change, take the one that leaves
        splice sites, then the start codon, then the stop codon whole; then the first one on the contig.
        """
        if self.reverse:
            ref, alt = "".join(PAIRS[one] for one in ref[::-1]), "".join(PAIRS[one] for one in alt[::-1])
        offset = pos - self.bases[-1 if self.reverse else 0].position
        start = len(self.bases) - offset - len(ref) if self.reverse else offset
        if start < 0 or start + len(ref) > len(self.bases):
            return None
        if ref and alt:
            return start, ref, alt
        result = self.text[:start] + alt + self.text[start + len(ref) :]
        size = len(ref) or len(alt)
        places = []
        for other in range(max(0, start - 120), min(len(self.bases), start + 120) + 1):
            if ref and other + size > len(self.bases):
                continue
            given = "" if ref else result[other : other + size]
            if self.text[:other] + given + self.text[other + len(ref) :] == result:
                places.append((other, self.text[other : other + len(ref)], given))

        def harm(place: tuple[int, str, str]) -> tuple[bool, bool, bool, int]:
            other, gone, given = place
            splice = bool({"splice_donor_variant", "splice_acceptor_variant"} & self.near_introns(other, gone, given))
            on_contig = -other if self.reverse else other
            return splice, self.touches_codon(other, gone, 0), self.touches_codon(other, gone, -1), on_contig

        return min(places, key=harm)

    def coding_places(self) -> list[int]:
        return [at for at, base in enumerate(self.bases) if base.is_coding]

    def touches_codon(self, start: int, ref: str, codon: int) -> bool:
        """Whether the first (0) or the last (-1) codon is touched."""
        places = self.coding_places()
        if not places:
            return False
        own = places[:3] if codon == 0 else places[-3:]
        if ref:
            return any(start <= at < start + len(ref) for at in own)
        # Inserted next to a base of the codon, but not before or after all of it.
        return (start in own or start - 1 in own) and own[0] < start <= own[-1]

    def introns(self) -> list[tuple[int, int]]:
        """First and last place of each."""
        found = []
        for (left, one), (right, other) in pairwise(
            (at, base) for at, base in enumerate(self.bases) if base.exon is not None
        ):
            if one.exon != other.exon:
                found.append((left + 1, right - 1))
        return found

    def differing(self, start: int, ref: str, alt: str) -> tuple[set[int], set[int]]:
        """Return the places whose bases differ, and those before which bases are inserted.

        If other bases of another number come in, align both at the left end on the contig, or else at the right end,
        if that leaves all splice sites as they are.
        """
        if not ref:
            return set(), {start}
        if not alt:
            return set(range(start, start + len(ref))), set()

        def aligned(*, at_end: bool) -> tuple[set[int], set[int]]:
            step, end = (-1, start + len(ref) - 1) if at_end else (1, start)
            both = zip(ref[::step], alt[::step], strict=False)
            changed = {end + step * n for n, (old, new) in enumerate(both) if old != new}
            changed |= {end + step * n for n in range(len(alt), len(ref))}
            return changed, {start if at_end else start + len(ref)} if len(alt) > len(ref) else set()

        def is_harmless(changed: set[int], between: set[int]) -> bool:
            sites = [pair for first, last in self.introns() for pair in ((first, first + 1), (last - 1, last))]
            return not any(changed & {one, other} or other in between for one, other in sites)

        left, right = aligned(at_end=self.reverse), aligned(at_end=not self.reverse)
        return right if is_harmless(*right) and not is_harmless(*left) and len(ref) != len(alt) else left

    def near_introns(self, start: int, ref: str, alt: str) -> set[str]:
        """The terms of splice sites, their surroundings, and introns."""
        terms: set[str] = set()
        changed, between = self.differing(start, ref, alt)
        for first, last in self.introns():
            length = last - first + 1
            assert length > 12, "gene models with gaps in place of introns are not for this"
            here = set()

            def hits(low: int, high: int) -> bool:
                """Whether places low to high of the intron are touched, or bases inserted between two of them."""
                return any(low <= at <= high for at in changed) or any(low < at <= high for at in between)

            if hits(first, first + 1):
                here.add("splice_donor_variant")
            if hits(last - 1, last):
                here.add("splice_acceptor_variant")
            if hits(first + 4, first + 4):
                here.add("splice_donor_5th_base_variant")
            elif hits(first + 2, first + 5):
                here.add("splice_donor_region_variant")
            at_edge = bool(between & {first, last + 1, first + 2, last - 1})
            around = hits(first - 3, first + 7) or hits(last - 7, last + 3)
            if not here and (around or at_edge):
                here.add("splice_region_variant")
            reaches_exon = start + len(ref) - 1 > last
            if (hits(last - 16, last - 2) or between & {max(first, last - 16), last - 1}) and not reaches_exon:
                here.add("splice_polypyrimidine_tract_variant")
            if hits(first + 2, last - 2) or between & {first + 2, last - 1}:
                here.add("intron_variant")
            terms |= here
        return terms

    def effect(self, pos: int, ref: str, alt: str) -> tuple[set[str], str]:
        """Return the terms, and the description of the protein."""
        place = self.placed(pos, ref, alt)
        assert place is not None
        start, ref, alt = place
        terms = self.near_introns(start, ref, alt)
        exonic, text = self.in_exons(start, ref, alt)
        terms |= exonic
        if self.gene.coding is None and not exonic:
            terms.add("non_coding_transcript_variant")
        return terms, text

    def together(self, changes: list[tuple[int, str, str]]) -> tuple[set[str], str] | None:
        """Return the terms, and the description of the protein, of several changes on one molecule.

        The introns are cut out, and all changes are made that lie in one exon and in the coding sequence. The result is
        compared with the transcript without introns and without changes. None unless two changes take part, if the
        order of two is not certain, and if nothing differs.
        """
        made: list[tuple[int, str, str]] = []
        slots: list[set[int]] = []  # a base has an even number, the place of an insertion an odd one
        terms: set[str] = set()
        for pos, ref, alt in changes:
            place = self.placed(pos, ref, alt)
            if place is None or not self.is_in_coding_exon(*place):
                continue
            start, gone, given = place
            written = self.written(pos, ref)
            low, high = min(start, written), max(start, written)
            own = range(2 * low, 2 * (high + len(ref)) - 1) if ref else range(2 * low - 1, 2 * high)
            if any(taken & set(own) for taken in slots):
                return None
            slots.append(set(own))
            made.append((start, gone, given))
            terms |= self.near_introns(start, gone, given)
        if len(made) < 2:
            return None
        letters = [base.letter if base.exon is not None else "" for base in self.bases]
        inserted = [""] * (len(letters) + 1)
        for start, gone, given in made:
            for at in range(start, start + len(gone)):
                letters[at] = given if at == start else ""
            if not gone:
                inserted[start] = given
        after = "".join(given + letter for given, letter in zip(inserted, [*letters, ""], strict=True))
        spliced = [base for base in self.bases if base.exon is not None]
        before = "".join(base.letter for base in spliced)
        if after == before:
            return None
        if self.reverse:
            before, after = ("".join(PAIRS[letter] for letter in reversed(text)) for text in (before, after))
            spliced.reverse()
        coding = [at for at, base in enumerate(spliced, 1) if base.is_coding]
        gene = Gene(self.gene.strand, ((1, len(before)),), (coding[0], coding[-1]), self.gene.code)
        tail = common(before[::-1], after[::-1])
        head = common(before[: len(before) - tail], after[: len(after) - tail])
        change = head + 1, before[head : len(before) - tail], after[head : len(after) - tail]
        found, text = Transcript(gene, before).effect(*change)
        return found | terms, text

    def written(self, pos: int, ref: str) -> int:
        """Return where among the bases a change begins that is taken as it is written."""
        if self.reverse:
            return self.bases[0].position - (pos + len(ref) - 1)
        return pos - self.bases[0].position

    def is_in_coding_exon(self, start: int, ref: str, _: str) -> bool:
        """Whether all bases are coding bases of one exon; of an insertion, whether it lies inside a coding sequence."""
        if ref:
            inside = self.bases[start : start + len(ref)]
            return all(base.is_coding for base in inside) and len({base.exon for base in inside}) == 1
        places = self.coding_places()
        adjacent = any(at in places for at in (start - 1, start))
        return adjacent and places[0] < start <= places[-1]

    def in_exons(self, start: int, ref: str, alt: str) -> tuple[set[str], str]:
        """The terms of exons, and the description of the protein."""
        inside = [base for base in self.bases[start : start + len(ref)] if base.exon is not None]
        if not ref:
            around = [base for base in self.bases[max(0, start - 1) : start + 1] if base.exon is not None]
            if not around:
                return set(), ""
        elif len(inside) < len(ref) or len({base.exon for base in inside}) > 1:
            return self.crossing(inside, start, ref), ""
        if self.gene.coding is None:
            return {self.noncoding(start, ref)}, ""
        # The spliced transcript before and after.
        before = "".join(base.letter for base in self.bases if base.exon is not None)
        low = sum(base.exon is not None for base in self.bases[:start])
        after = before[:low] + alt + before[low + len(ref) :]
        spliced = [base for base in self.bases if base.exon is not None]
        coding = [at for at, base in enumerate(spliced) if base.is_coding]
        return self.translated(before, after, low, low + len(ref), len(alt), coding[0], coding[-1] + 1)

    def noncoding(self, start: int, ref: str) -> str:
        """The term of a change in an exon: whether bases of a mature product go, or others come in between them."""
        positions = [base.position for base in self.bases]
        for low, high in self.gene.mature:
            inside = [low <= at <= high for at in positions]
            if any(inside[start : start + len(ref)]) or (not ref and inside[start - 1] and inside[start]):
                return "mature_miRNA_variant"
        return "non_coding_transcript_exon_variant"

    def crossing(self, inside: list[Base], start: int, ref: str) -> set[str]:
        terms = set()
        coding = self.coding_places()
        places = {base.position: at for at, base in enumerate(self.bases)}
        for base in inside:
            if self.gene.coding is None:
                terms.add(self.noncoding(start, ref))
            elif base.is_coding:
                terms.add("coding_sequence_variant")
            else:
                upstream = places[base.position] < coding[0]
                terms.add("5_prime_UTR_variant" if upstream else "3_prime_UTR_variant")
        return terms

    def translated(  # noqa: PLR0911 - a definition, line by line
        self, before: str, after: str, low: int, high: int, gained: int, start: int, stop: int
    ) -> tuple[set[str], str]:
        """low, high: what is replaced of the spliced bases; start, stop: of the coding sequence."""
        if high <= start:
            return {"5_prime_UTR_variant"}, ""
        if low >= stop:
            return {"3_prime_UTR_variant"}, ""
        code = self.gene.code
        shift = gained - (high - low)
        length_term = (
            "frameshift_variant" if shift % 3 else {1: "inframe_insertion", -1: "inframe_deletion", 0: ""}[sign(shift)]
        )
        over_start, over_stop = low < start, high > stop
        begins = before[start : start + 3] in STARTS[code]
        if low < start + 3 and not begins and over_start:
            return {"5_prime_UTR_variant", "coding_sequence_variant"}, ""
        if low < start + 3 and begins:
            codon = after[start : start + 3]
            if over_start or codon not in STARTS[code]:
                is_stop = shift == 0 and residue(codon, code) == "*"
                other = "5_prime_UTR_variant" if over_start else "stop_gained" if is_stop else length_term
                return {"start_lost", *([other] if other else [])}, "p.Met1?"
        old = read(before[start:stop], code, has_start=begins)
        recoded = [n for n, letter in enumerate(old[:-1]) if letter == "*" and before[start + 3 * n :][:3] == "TGA"]
        old = with_selenocysteine(old, recoded)
        first = (low - start) // 3
        new = read(after[start:], code, has_start=begins)
        new = with_selenocysteine(new, [n for n in range(len(new)) if keeps_codon(before, after, start, n, recoded)])
        known = old[:first]
        if over_stop:
            protein = known + until_stop(new[first:])
            if protein == old:
                return {"stop_retained_variant", "3_prime_UTR_variant"}, f"p.Ter{len(old)}="
            text = other_frame(old, protein)
            return {"stop_gained" if text.endswith("Ter") else "stop_lost", "3_prime_UTR_variant"}, text
        if shift % 3:
            return self.shifted(old, new, first, low, high, gained, start)
        return self.same_frame(before, after, old, new, low - start, high - start, gained, start, code)

    def shifted(
        self, old: str, new: str, first: int, low: int, high: int, gained: int, start: int
    ) -> tuple[set[str], str]:
        protein = old[:first] + until_stop(new[first:])
        if protein == old:
            return {"stop_retained_variant"}, f"p.Ter{len(old)}="
        at = next(n for n in range(len(old) + 1) if old[n : n + 1] != protein[n : n + 1])
        terms = {"frameshift_variant"}
        end = -(-(high - start) // 3)
        if "*" in new[first : end + (gained - (high - low)) // 3] and at != len(old) - 1:
            terms.add("stop_gained")
        elif at == len(old) - 1:
            terms.add("stop_lost")
        return terms, other_frame(old, protein)

    def same_frame(  # noqa: C901, PLR0911, PLR0912 - a definition, line by line
        self, before: str, after: str, old: str, new: str, low: int, high: int, gained: int, start: int, code: int
    ) -> tuple[set[str], str]:
        """low, high: in the coding sequence."""
        first, end = low // 3, -(-high // 3)
        if low == high and low % 3:
            end = first + 1
        shift = gained - (high - low)
        codons_before = before[start + 3 * first : start + 3 * end]
        codons_after = after[start + 3 * first : start + 3 * end + shift]
        starts_here = first == 0 and before[start : start + 3] in STARTS[code]
        gone, came = old[first:end], new[first : end + shift // 3]
        holds_stop = end == len(old)
        if gone == came:
            term = "synonymous_variant"
            if holds_stop:
                term = "stop_retained_variant"
            elif starts_here and codons_before[:3] != codons_after[:3]:
                term = "start_retained_variant"
            return {term}, f"p.{span(old, first, end)}=" if first < end else ""
        if shift == 0:
            kind = "missense_variant"
        elif shift > 0:
            grown = codons_after.startswith(codons_before) or codons_after.endswith(codons_before)
            grown = grown or came.startswith(gone) or came.endswith(gone)
            kind = "inframe_insertion" if grown else "protein_altering_variant"
        else:
            shared = common(codons_before, codons_after)
            pure = codons_before.endswith(codons_after[shared:])
            kind = "inframe_deletion" if pure else "protein_altering_variant"
        more = {kind} - {"missense_variant"}
        if holds_stop and "*" not in came:
            protein = old[:first] + until_stop(new[first:])
            if protein == old:
                return {"stop_retained_variant"}, f"p.Ter{len(old)}="
            return {"stop_lost"} | more, other_frame(old, protein)
        protein = old[:first] + (came[: came.index("*") + 1] if "*" in came else came + old[end:])
        if protein == old:
            return {"stop_retained_variant"}, f"p.Ter{len(old)}="
        at = common(old, protein)
        stays = holds_stop and came.index("*") == len(came) - 1
        if stays and old[at : at + 1] == "*" and not codons_after.endswith(codons_before):
            return {"stop_lost"} | more, other_frame(old, protein)
        if "*" in came and not stays:
            # Residues that stand unchanged after the new stop are not replaced.
            kept = common(old[at:end][::-1], came[came.index("*") + 1 :][::-1])
            return {"stop_gained"} | more, replaced(old, at, max(at, end - kept), protein[at:])
        tail = 0
        while tail < min(len(old), len(protein)) - at and old[-1 - tail] == protein[-1 - tail]:
            tail += 1
        terms = {kind} | ({"stop_retained_variant"} if stays else set())
        return terms, replaced(old, at, len(old) - tail, protein[at : len(protein) - tail])


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def common(one: str, other: str) -> int:
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    return at


def with_selenocysteine(protein: str, places: list[int]) -> str:
    return "".join("U" if n in places else letter for n, letter in enumerate(protein))


def keeps_codon(before: str, after: str, start: int, n: int, recoded: list[int]) -> bool:
    """Whether a codon, from 0, is one of the recoded codons of the transcript before the change.

    It is if the transcript up to its end is as before, or the transcript from it on. If no bases come in or go, it is
    also if the codon is as before.
    """
    at, gained = start + 3 * n, len(after) - len(before)
    earlier = at - gained
    return (
        (n in recoded and after[: at + 3] == before[: at + 3])
        or (earlier in [start + 3 * m for m in recoded] and after[at:] == before[earlier:])
        or (gained == 0 and n in recoded and after[at : at + 3] == before[at : at + 3])
    )


def read(bases: str, code: int, *, has_start: bool = False) -> str:
    """Translate whole codons; selenocysteine is put in by the caller."""
    letters = [residue(bases[at : at + 3], code) for at in range(0, len(bases) - 2, 3)]
    if has_start and letters and bases[:3] in STARTS[code]:
        letters[0] = "M"
    return "".join(letters)


def until_stop(protein: str) -> str:
    return protein[: protein.index("*") + 1] if "*" in protein else protein


def one(protein: str, at: int) -> str:
    return f"{NAMES[protein[at]]}{at + 1}"


def span(protein: str, first: int, end: int) -> str:
    return one(protein, first) if end - first == 1 else f"{one(protein, first)}_{one(protein, end - 1)}"


def names(residues: str) -> str:
    return "".join(NAMES[letter] for letter in residues)


def other_frame(old: str, new: str) -> str:
    at = common(old, new)
    if at >= len(old) or at >= len(new):
        return ""
    if new[at] == "*":
        return f"p.{one(old, at)}Ter"
    stop = new.find("*")
    if old[at] == "*":
        return f"p.{one(old, at)}{names(new[at])}extTer{stop - at if stop >= 0 else '?'}"
    return f"p.{one(old, at)}{names(new[at])}fsTer{stop - at + 1 if stop >= 0 else '?'}"


def replaced(old: str, first: int, end: int, new: str) -> str:
    """Residues first to end (not included) become new."""
    if first == end:
        if new == "*":
            return f"p.{one(old, first)}Ter"
        if first >= len(new) and old[first - len(new) : first] == new:
            return f"p.{span(old, first - len(new), first)}dup"
        return f"p.{one(old, first - 1)}_{one(old, first)}ins{names(new)}"
    if not new:
        return f"p.{span(old, first, end)}del"
    if new == "*" or end - first == len(new) == 1:
        return f"p.{one(old, first)}{names(new)}"
    return f"p.{span(old, first, end)}delins{names(new)}"
