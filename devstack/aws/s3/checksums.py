"""The SHA-256 that a request states for its body: S3 refuses a body that has another one, and moto does not.

Source: "Checking object integrity for data uploads", Amazon S3 user guide (checking-object-integrity-upload).
"""

import base64
import hashlib
import io

from devstack.aws.wsgi import Environ, S3Error


def check_body(environ: Environ) -> None:
    """Read the body if the request states its SHA-256, and leave it to be read again.

    Raises:
        S3Error: the body has another.
    """
    told = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
    if told is None:
        return
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if base64.b64encode(hashlib.sha256(body).digest()).decode() != told:
        raise S3Error(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")
