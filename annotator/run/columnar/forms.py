"""The forms of the columns of a plain record: values that annotator.preflight would accept unchanged."""

from annotator.run.columnar.compiled import Bytes, Ints, compiled
from annotator.run.columnar.text_sets import Words, value_of

#: The kinds of values of a tag: any text, a list of integers, a list of floats, or a genotype.
ANY, INTEGER, FLOAT, GENOTYPE = range(4)

NO, MAYBE, YES = range(3)

DOT, COMMA, COLON, SEMICOLON, EQUALS, TAB = ord("."), ord(","), ord(":"), ord(";"), ord("="), ord("\t")
ZERO, NINE, PLUS, MINUS = ord("0"), ord("9"), ord("+"), ord("-")
A, C, G, T = ord("A"), ord("C"), ord("G"), ord("T")
MOST_DIGITS = 10
LONGEST_NUMBER = 1000  # characters, the limit of annotator.preflight.records for QUAL


@compiled
def digits(text: Bytes, start: int, stop: int) -> int:
    """Return the number of consecutive digits from `start` on."""
    at = start
    while at < stop and ZERO <= text[at] <= NINE:
        at += 1
    return at - start


@compiled
def sign(text: Bytes, start: int, stop: int) -> int:
    """Return 1 if there is a sign at `start`, else 0."""
    return 1 if start < stop and (text[start] == PLUS or text[start] == MINUS) else 0


@compiled
def position(text: Bytes, start: int, stop: int) -> int:
    """Return the value of a number of at most ten digits without a leading 0; 0 if the text is not one."""
    size = stop - start
    if not 0 < size <= MOST_DIGITS or digits(text, start, stop) < size or text[start] == ZERO:
        return 0
    number = 0
    for at in range(start, stop):
        number = 10 * number + text[at] - ZERO
    return number


@compiled
def bases(text: Bytes, start: int, stop: int, longest: int) -> bool:
    """Return whether the text is 1 to `longest` letters of A, C, G and T."""
    if not 0 < stop - start <= longest:
        return False
    for at in range(start, stop):
        letter = text[at]
        if letter != A and letter != C and letter != G and letter != T:  # noqa: PLR1714 - compiled
            return False
    return True


@compiled
def integer(text: Bytes, start: int, stop: int) -> bool:
    """Return whether the text is ".", or an integer of at most ten digits."""
    if stop - start == 1 and text[start] == DOT:
        return True
    at = start + sign(text, start, stop)
    return 0 < stop - at <= MOST_DIGITS and digits(text, at, stop) == stop - at


@compiled
def number(text: Bytes, start: int, stop: int) -> bool:
    """Return whether the text is ".", or a decimal number, with or without an exponent. False for nan and inf."""
    if stop - start == 1 and text[start] == DOT:
        return True
    if stop - start > LONGEST_NUMBER:
        return False
    at = start + sign(text, start, stop)
    whole = digits(text, at, stop)
    at += whole
    if at < stop and text[at] == DOT:
        fraction = digits(text, at + 1, stop)
        at += 1 + fraction
        if not whole and not fraction:
            return False
    elif not whole:
        return False
    if at < stop and (text[at] == ord("e") or text[at] == ord("E")):
        at += 1 + sign(text, at + 1, stop)
        size = digits(text, at, stop)
        return size > 0 and at + size == stop
    return at == stop


@compiled
def values(kind: int, text: Bytes, start: int, stop: int) -> bool:
    """Return whether the text is a comma-separated list of values of a kind."""
    if kind == ANY:
        return True
    at = start
    while True:
        end = at
        while end < stop and text[end] != COMMA:
            end += 1
        if not (integer(text, at, end) if kind == INTEGER else number(text, at, end)):
            return False
        if end == stop:
            return True
        at = end + 1


@compiled
def info(text: Bytes, start: int, stop: int, tags: Words) -> bool:
    """Return whether INFO is ".", or all its entries have known tags and values of the tag's kind, given by `tags`."""
    if stop - start == 1 and text[start] == DOT:
        return True
    at = start
    while True:
        end, equals = at, -1
        while end < stop and text[end] != SEMICOLON:
            if equals < 0 and text[end] == EQUALS:
                equals = end
            end += 1
        kind = value_of(tags, text, at, equals if equals >= 0 else end)
        if kind < 0 or (equals >= 0 and not values(kind, text, equals + 1, end)):
            return False
        if end == stop:
            return True
        at = end + 1


@compiled
def genotype(text: Bytes, start: int, stop: int, alts: int) -> bool:
    """Return whether the text is a list of allele numbers up to `alts`, or ".", separated by / or |."""
    at = start
    while True:
        size = digits(text, at, stop)
        if size:
            if size > 3:
                return False
            allele = 0
            for place in range(at, at + size):
                allele = 10 * allele + text[place] - ZERO
            if allele > alts:
                return False
            at += size
        elif at < stop and text[at] == DOT:
            at += 1
        else:
            return False
        if at == stop:
            return True
        if text[at] != ord("/") and text[at] != ord("|"):
            return False
        at += 1


@compiled
def samples(text: Bytes, start: int, stop: int, formats: Words, kinds: Ints, alts: int) -> int:
    """Check the columns FORMAT, which begins at `start`, and the samples.

    Args:
        text: the file's text.
        start, stop: from the begin of FORMAT to the end of the line.
        formats: the known texts of FORMAT, with their numbers.
        kinds: the kinds of the tags of each FORMAT, by its number; -1 after the last tag.
        alts: number of ALT alleles.

    Returns:
        NO if FORMAT is none of `formats`, a value is empty, or a sample has more values than FORMAT names; YES if each
        value is of its tag's kind; else MAYBE.
    """
    at = start
    while at < stop and text[at] != TAB:
        at += 1
    format_ = value_of(formats, text, start, at)
    if format_ < 0:
        return NO
    found = YES
    tag = 0
    while at < stop:
        at += 1  # past a tab or a colon
        end = at
        while end < stop and text[end] != TAB and text[end] != COLON:
            end += 1
        kind = kinds[format_, tag]
        if kind < 0 or end == at:
            return NO
        if kind == GENOTYPE:
            if not genotype(text, at, end, alts):
                found = MAYBE
        elif not values(kind, text, at, end):
            found = MAYBE
        at = end
        tag = tag + 1 if end < stop and text[end] == COLON else 0
    return found
