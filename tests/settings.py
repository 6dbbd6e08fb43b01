"""The service's own settings, with the values that a test run needs. DATABASE_URL chooses the database."""

import hashlib
import os
import tempfile
from pathlib import Path

# Of this checkout alone: another one may be tested at the same time.
CHECKOUT = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:8]
DATABASE = Path(tempfile.gettempdir()) / f"gas-tests-{CHECKOUT}.sqlite3"
os.environ.setdefault("DATABASE_URL", f"sqlite:///{DATABASE}")
os.environ.update(
    {
        "SECRET_KEY": "for tests only",
        "SITE_URL": "http://testserver",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "SQS_QUEUE_URL_BASE": "https://sqs.us-east-1.amazonaws.com/123456789012/",
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "DEVSTACK": "1",
    }
)
for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "CELERY_BROKER_URL"):
    os.environ.pop(name, None)

from gas.settings import *  # noqa: E402, F403
from gas.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # signing in should not take a test's time
WHITENOISE_AUTOREFRESH = True  # look for a static file when it is asked for, and not for all with each test's client
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and worker processes must see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"] + "-test"}
elif "TEST_DATABASE_TEMPLATE" in os.environ:
    # A database of the same server whose migrations have run: each test process begins with a copy.
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ["TEST_DATABASE_TEMPLATE"]}
