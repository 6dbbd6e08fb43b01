"""The failure codes of jobs: whether another try of the same file can help, and the text for the owner.

A code that is not in the table is one of the annotator's `InputError`s: the file itself is at fault and fails again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """What a failure code means.

    Attributes:
        title: the heading on the job's page.
        upload: the label of the button that leads to the upload page; "" for no button.
        retry: whether another try of the same file can succeed.
    """

    title: str
    upload: str
    retry: bool = False


_FILE = "This file could not be annotated"
_RUN = "The annotation did not finish"

#: The file is at fault.
BAD_FILE = Failure(_FILE, "Upload a corrected file")
#: The codes that the service itself assigns.
FAILURES = {
    "our-fault": Failure(_RUN, "", retry=True),
    "plan-limit": Failure(_FILE, "Upload a smaller file", retry=True),  # once the owner's plan allows the size
    "too-long": Failure(_RUN, "Upload the parts"),
    "file-size": Failure(_FILE, "Upload another file"),
    "input-missing": Failure(_FILE, "Upload the file again"),
    "input-damaged": Failure(_FILE, "Upload the file again"),
    "input-replaced": Failure(_FILE, "Upload the file again"),
}


def failure_of(code: str) -> Failure:
    """Return what a job's failure code means."""
    return FAILURES.get(code, BAD_FILE)
