"""Find words of a private dialect in tracked files: `python -m tools.check_words`, part of `make lint`.

Each entry of WORDS is a pattern and what to write instead. Add an entry when a phrase makes readers stumble; rewrite
the sentence rather than swapping the word.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Patterns, ignoring case, and their plain replacement.
WORDS = {
    r"anew": "again",
    r"so many": "the number: N records, `limit` seconds",
    r"beside": "next to, in addition to, other than",
    r"(?:go|goes|going|gone|went) on with": "resume, continue",
    r"what is known of": "annotations of, known variants",
    r"the other way round": "the inverse of, the opposite",
    r"behind the (?:last|first|end|head|header|base|exon|contig|line|stop|codon|record|text|value|name)": "after",
    r"of which nothing": "whose … is discarded",
    r"(?:tell|tells|told|telling) of": "say, report, announce",
    r"(?:speak|speaks|spoke|spoken) of": "be about, describe",
    r"next to none": "almost none",
    r"of (?:ours|theirs|hers|yours)": "our, their; an internal error",
    r"for so long": "for N seconds, how long",
    r"sees? to|stands? still|stood still": "handle, ensure; be stuck",
    r"taken for": "counts as, mistaken for",
    r"whoever": "the person who, the worker that",
    r"afresh": "again",
    r"had better": "should",
    r"of whom": "whose, about whom",
    r"(?:take|takes|took|taken) back": "withdraw, revoke, release",
    r"(?:hear|hears|heard) of": "learn about, be alerted about",
    r"(?:say|says|said|know|knows|knew|remember|remembers) nothing of": "… nothing about",
    r"in its turn|due longest": "when it is next; most overdue",
    r", should (?:it|they)": ", if it",
    r"keep_nothing_of_nobody|searched_less": "a name that says what it does",
    r"forthwith|lest|wherein|whither|thereof|upon|to be had|be come back to": "a plain word",
}
PATTERN = re.compile("|".join(f"(?P<w{number}>\\b(?:{word})\\b)" for number, word in enumerate(WORDS)), re.IGNORECASE)
ADVICE = list(WORDS.values())

#: Files that are not written by hand, are history, or quote others.
SKIPPED = re.compile(
    r"\.lock$|package-lock\.json$|/migrations/\d|/data/|\.(?:gz|png|svg|fa|fai|gff3|tsv|vcf|woff2)$|^LICENSE$|^(?:tools/check_words|tests/test_words)\.py$"
)


def findings(path: Path, text: str) -> list[str]:
    """Return a line "path:number: word -> advice: the line" for each word of the list in a text."""
    return [
        f"{path}:{number}: {found[0]!r} -> {ADVICE[int(str(found.lastgroup)[1:])]}: {line.strip()[:120]}"
        for number, line in enumerate(text.splitlines(), 1)
        for found in PATTERN.finditer(line)
    ]


def main() -> int:
    """Print the findings in all tracked files. Returns 1 if there are any."""
    # In a container, such as that of the workflow, the checkout may belong to another user.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and not SKIPPED.search(name)]
    paths = [ROOT / name for name in names if (ROOT / name).is_file()]
    found = [line for path in paths for line in findings(path.relative_to(ROOT), path.read_text())]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
