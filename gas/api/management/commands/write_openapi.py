"""Write the OpenAPI document to docs/api/openapi.json, which a test compares with the routes."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from gas.api.v1 import api

FILE: Path = settings.BASE_DIR / "docs" / "api" / "openapi.json"


def text() -> str:
    """Return the document as the file has it."""
    return json.dumps(api.get_openapi_schema(), indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"


class Command(BaseCommand):
    """Write the file."""

    help = "Write docs/api/openapi.json."

    def handle(self, *_: Any, **__: Any) -> None:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(text())
        self.stdout.write(f"{FILE.relative_to(settings.BASE_DIR)} is written")
