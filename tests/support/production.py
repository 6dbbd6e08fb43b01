"""The service's own settings, loaded in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = {
    "SECRET_KEY": "a secret for this test, which is long enough for Django",
    "SITE_URL": "https://gas.example.org",
    "DATABASE_URL": "sqlite://:memory:",
    "SQS_QUEUE_URL_BASE": "https://sqs.us-east-1.amazonaws.com/123456789012/",
}


def load(env: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    base = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "gas.settings"}
    arguments = [sys.executable, *(command or ("-c", "import django; django.setup()"))]
    return subprocess.run(arguments, cwd=ROOT, env=base | env, capture_output=True, text=True, check=False)
