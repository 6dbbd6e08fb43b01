"""Read a browser's upload form: small fields in memory, the file into a spooled temporary file."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_input_stream

from devstack.aws.wsgi import Environ, S3Error

#: S3's limit for all fields but the file.
FIELDS_MAX_BYTES = 20_000
CHUNK_BYTES = 64 * 1024
SPOOL_BYTES = 1024 * 1024
#: No field has this name: a form's are not upper case here.
_INTO_FILE = "FILE"


@dataclass
class Form:
    """`fields` by lower-case name; `file` is None when the form has none; `size` is the file's, in bytes."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    file: IO[bytes] | None = None
    size: int = 0


def read_form(environ: Environ) -> Form:
    """Read the whole body. What comes after the file is ignored, as S3 does.

    Raises:
        S3Error: it is no multipart form, or its fields are too long.
    """
    form = Form()
    name, value = "", bytearray()
    for event in _events(environ):
        if isinstance(event, Field | File):
            name, value = (event.name or "").lower(), bytearray()
            if name == "file" and form.file is None:
                form.filename = event.filename if isinstance(event, File) else ""
                form.file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (the caller's)
                name = _INTO_FILE
        elif isinstance(event, Data) and name == _INTO_FILE and form.file is not None:
            form.file.write(event.data)
            form.size += len(event.data)
        elif isinstance(event, Data) and form.file is None:
            value += event.data
            others = sum(len(text) for other, text in form.fields.items() if other != name)
            form.fields[name] = _text(value, others)
    if form.file is not None:
        form.file.seek(0)
    return form


def _text(value: bytearray, before: int) -> str:
    if before + len(value) > FIELDS_MAX_BYTES:
        raise S3Error(
            400,
            "MaxPostPreDataLengthExceeded",
            "Your POST request fields preceding the upload file were too large.",
        )
    return value.decode("utf-8", errors="replace")


def _events(environ: Environ) -> Iterator[Event]:
    _, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    decoder = MultipartDecoder(options.get("boundary", "").encode("latin-1"))
    stream = get_input_stream(environ)
    malformed = S3Error(
        400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."
    )
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                decoder.receive_data(stream.read(CHUNK_BYTES) or None)
                continue
            yield event
            if isinstance(event, Epilogue):
                break
    except ValueError as error:
        raise malformed from error
    while stream.read(CHUNK_BYTES):
        pass  # what follows the form: read, so that the answer is not lost to a reset connection
