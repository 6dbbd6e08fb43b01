"""Errors for files on the wrong build."""

from annotator.errors import InputError
from annotator.reference.pack import ReferenceInfo

WRONG_BUILD = "wrong-build"


def wrong_build(
    build: str, because: str, chosen: ReferenceInfo, line: int | None = None, *, here: bool = False
) -> InputError:
    """Return the error for a file on another build than the chosen reference.

    Args:
        build: The build that the file is on.
        because: The evidence, as a part of a sentence.
        chosen: The chosen reference.
        line: The line with the evidence, if there is one.
        here: Whether that build is installed, so that it can be chosen.
    """
    return InputError(
        WRONG_BUILD,
        f"This file is on {build} ({because}); you chose {chosen.id}.",
        f"Choose {build}{'' if here else ' if it is installed'}, or lift the file over from {build} to {chosen.title}; "
        "if that has been done already, correct its ##contig and ##reference lines.",
        line,
    )


def contig_on_wrong_build(name: str, build: str, because: str, chosen: ReferenceInfo, line: int | None) -> InputError:
    """Return the error for a file with one contig on another build than the chosen reference.

    Args:
        name: The contig.
        build: The build that the contig is on.
        because: The evidence, as a part of a sentence.
        chosen: The chosen reference.
        line: The first line with the evidence.
    """
    return InputError(
        WRONG_BUILD,
        f"Contig {name} of this file is on {build}: {because}.",
        f"Lift the records on contig {name} over from {build} to {chosen.title}, or leave them out.",
        line,
    )
