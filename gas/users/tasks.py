"""Tasks about accounts: the ZIP of a person's data, and mail that is owed. Each fetches by id and calls a function."""

from uuid import UUID

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.mail import outbox
from gas.staff.alerts import mail_held
from gas.tasknames import BUILD_EXPORT, REMOVE_EXPORT, SEND_OWED_MAIL
from gas.users import exports


@app.task(name=SEND_OWED_MAIL)
def send_owed_mail() -> None:
    """Try all mails that are due, tell staff about mails that are held back, and resume exports that are stuck."""
    if rounds.just_taken("mail", settings.SWEEP_SECONDS):
        return
    outbox.send_owed()
    mail_held()
    exports.tend()


@app.task(name=BUILD_EXPORT)
def build_export(export_id: str) -> None:
    """Required: an Export that was asked for. Resulting: its file is in S3, or it has failed."""
    exports.build(UUID(export_id))


@app.task(name=REMOVE_EXPORT)
def remove_export(export_id: str) -> None:
    """Required: an Export that is over. Resulting: its file is gone, and its row once nobody can write there."""
    exports.remove(UUID(export_id))
