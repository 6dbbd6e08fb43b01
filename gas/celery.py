"""The Celery app: SQS as its broker, its settings in celeryconfig.py."""

import os

from gas.aws.broker import SQSCelery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gas.settings")

app = SQSCelery("gas")
app.config_from_object("celeryconfig")
