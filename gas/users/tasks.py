"""Tasks about accounts: the export of a person's data, and owed mail. Each fetches by id and calls a function."""

from uuid import UUID

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.mail import outbox
from gas.staff.alerts import mail_held
from gas.tasknames import BUILD_EXPORT, REMOVE_EXPORT, SEND_OWED_MAIL
from gas.users import export_files


@app.task(name=SEND_OWED_MAIL)
def send_owed_mail() -> None:
    """Try all mails that are due, tell staff about mails that are held back, and resume exports that are stuck."""
    if rounds.just_taken("mail", settings.SWEEP_SECONDS):
        return
    outbox.send_owed()
    mail_held()
    export_files.tend()


@app.task(name=BUILD_EXPORT)
def build_export(export_id: str) -> None:
    """Write the file of an Export to S3, or mark the Export as failed."""
    export_files.build(UUID(export_id))


@app.task(name=REMOVE_EXPORT)
def remove_export(export_id: str) -> None:
    """Delete the file of an expired Export, and its row once no worker can write there."""
    export_files.remove(UUID(export_id))
