"""HGVS descriptions of a changed protein (https://hgvs-nomenclature.org, version 21).

Proteins are strings of one-letter residues; "*" is the stop codon, "U" selenocysteine, "X" an unknown residue.
Positions count from 0 here and from 1 in a description.
"""

from annotator.effects.genetic_codes import UNKNOWN
from annotator.effects.hgvs_genomic import THREE_LETTERS


def first_difference(before: str, after: str, start: int = 0) -> int:
    """Return the first position at which two proteins differ; the shorter length if one is the beginning of the other.

    Before `start` they are known to be the same.
    """
    shorter = min(len(before), len(after))
    if before[start:shorter] == after[start:shorter]:
        return shorter
    while before[start] == after[start]:
        start += 1
    return start


def substituted(before: str, after: str, first: int, last: int) -> str:
    """Describe residues `first` to `last` (not included) of two proteins of the same length.

    Returns:
        Such as p.Lys5Arg, p.Lys5=, p.Lys5Ter or p.Lys5_Leu6delinsArgPro.
    """
    if before[first:last] == after[first:last]:
        return f"p.{_range(before, first, last)}="
    start = first + first_difference(before[first:last], after[first:last])
    end = last
    while before[end - 1] == after[end - 1]:
        end -= 1
    return replaced(before, start, end, after[start:end])


def replaced(before: str, first: int, last: int, residues: str) -> str:
    """Describe the replacement of `before[first:last]` by `residues`.

    The caller has removed the residues that both share at their ends. Residues after a stop are ignored.

    Returns:
        A substitution, deletion, duplication, insertion or delins; "" for an insertion next to no known residue.
    """
    head, stop, _ = residues.partition("*")
    residues = head + stop
    if first == last:
        return _inserted(before, first, residues)
    if not residues:
        return f"p.{_range(before, first, last)}del"
    if residues == "*" or last - first == len(residues) == 1:
        return f"p.{_one(before, first)}{_names(residues)}"
    return f"p.{_range(before, first, last)}delins{_names(residues)}"


def _inserted(before: str, at: int, residues: str) -> str:
    if residues == "*" and at < len(before):
        return f"p.{_one(before, at)}Ter"
    copied = at - len(residues)
    if copied >= 0 and before[copied:at] == residues:
        return f"p.{_range(before, copied, at)}dup"
    if not 0 < at < len(before) or UNKNOWN in before[at - 1 : at + 1]:
        return ""
    return f"p.{_one(before, at - 1)}_{_one(before, at)}ins{_names(residues)}"


def shifted_frame(before: str, after: str, start: int = 0) -> str:
    """Describe a protein whose reading frame shifts, or that is read through its stop codon.

    Args:
        before: The protein, stop included.
        after: The new protein up to its stop; without "*" if the transcript ends before one.
        start: Before this residue both are known to be the same.

    Returns:
        fsTer with the number of the new stop; extTer if the first changed residue is the stop codon; a nonsense
        substitution if the new residue there is a stop; "" if the transcript ends before any residue changes.
    """
    first = first_difference(before, after, start)
    if first >= len(after) or first >= len(before):
        return ""
    if after[first] == "*":
        return f"p.{_one(before, first)}Ter"
    end = after.find("*", first)
    if before[first] == "*":
        return f"p.{_one(before, first)}{_names(after[first])}extTer{end - first if end >= 0 else '?'}"
    return f"p.{_one(before, first)}{_names(after[first])}fsTer{end - first + 1 if end >= 0 else '?'}"


def predicted(text: str) -> str:
    """Return a description in parentheses, such as p.(Gln5Ter), the HGVS form for changes predicted from DNA."""
    return f"p.({text.removeprefix('p.')})" if text else ""


def _names(residues: str) -> str:
    return "".join([THREE_LETTERS[one] for one in residues])


def _one(protein: str, position: int) -> str:
    return f"{THREE_LETTERS[protein[position]]}{position + 1}"


def _range(protein: str, first: int, last: int) -> str:
    if last - first == 1:
        return _one(protein, first)
    return f"{_one(protein, first)}_{_one(protein, last - 1)}"
