"""Promise: no log has a token in it: not of a mailed link, not of a presigned address."""

import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.utils.log import configure_logging
from django.utils.module_loading import import_string

from gas.aws import presigned
from gas.redaction import RedactingFormatter, redact
from gas.server import with_access_log
from gas.users.models import User
from gas.wsgi import application
from tests.support.routes import all_routes

#: Parameters of addresses that open nothing by themselves.
HARMLESS = {
    "job_id",
    "kind",
    "provider_id",
    "pk",
    "uuid",
    "object_id",
    "app_label",
    "content_type_id",
    "url",
    "id",
    "variant",
    "name",
    "token_id",
    "restore_id",
    "export_id",
    "format",
    "endpoint_id",
    "delivery_id",
    "number",
    "access_id",
    "webhook_id",
    "share_id",
}
TOKEN = "secret-s3cr3t:token"


def test_every_address_with_a_token_is_redacted() -> None:
    tried = 0
    for route, pattern in all_routes():
        names = set(pattern.pattern.regex.groupindex)
        if names - HARMLESS:
            tried += 1
            parameter = r"\(\?P<\w+>(?:\[[^]]*\]\+|\.\+)\)|<[^>]+>"
            plain = re.sub(parameter, TOKEN, route).replace("^", "").replace("$", "")
            assert TOKEN in plain
            for text in (f"/{plain}", f"http://gas.example/{plain} was not found", f'"GET /{plain.rstrip("/")}. 404"'):
                assert "s3cr3t" not in redact(text)
    assert tried >= 2


@pytest.mark.parametrize(
    "text",
    [
        "GET /jobs/?q=s3cr3t 200",
        "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=s3cr3t&X-Amz-Expires=300",
        "/?s3cr3t",
    ],
)
def test_no_query_string_is_logged(text: str) -> None:
    assert "s3cr3t" not in redact(text)


def test_other_text_stays_as_it_is() -> None:
    for text in ("Why? Because /jobs/ is there.", "GET /jobs/5d/download/vcf/ 302", "is it? yes"):
        assert redact(text) == text


def test_the_services_own_log_configuration_redacts() -> None:
    assert issubclass(import_string(settings.LOGGING["formatters"]["line"]["()"]), RedactingFormatter)
    assert settings.LOGGING["handlers"]["console"]["formatter"] == "line"


def test_a_presigned_address_in_a_traceback_is_redacted(aws: Any) -> None:
    url = presigned.download_url("gas-results", "results/a/b", filename="a.vcf")
    error = RuntimeError(f"cannot open {url}")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(error), error, None))
    line = RedactingFormatter().format(record)
    assert "results/a/b" in line
    assert "Signature" not in line


def test_the_access_log_has_no_tokens(
    db: None, person: User, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = default_token_generator.make_token(person)
    paths = [f"/accounts/password/reset/key/1-{token}/", f"/accounts/confirm-email/{token}/", f"/nowhere/?q={token}"]
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    try:
        for path in paths:
            environ = Client()._base_environ(PATH_INFO=path.partition("?")[0], QUERY_STRING=path.partition("?")[2])
            list(with_access_log(application)(environ, lambda *_: lambda _: None))
    finally:
        logging.getLogger().handlers.clear()
    lines = capsys.readouterr().err
    assert lines.count(" gas.access ") == len(paths)
    assert "GET /accounts/confirm-email/[hidden]" in lines
    assert token not in lines
