"""Errors that end an installation."""

import errno

from annotator.install.download import FULL


class InstallError(Exception):
    """The pack could not be installed, and no part of it is in use. code: stable, in kebab-case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def of_disk(error: OSError, folder: object) -> InstallError:
    """Return the error for a failed disk operation."""
    if error.errno in FULL:
        return InstallError("no-space", f"There is not enough space in {folder}. Make some and try again.")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return InstallError("not-writable", f"{folder} cannot be written to ({error.strerror}).")
    return InstallError("disk", f"Writing to {folder} failed: {error.strerror or error}.")
