"""Tasks about accounts and their mail, on the default queue."""

from gas.alerts import mail_held
from gas.celery import app
from gas.mail import outbox
from gas.tasknames import SEND_OWED_MAIL


@app.task(name=SEND_OWED_MAIL)
def send_owed_mail() -> None:
    """Required: nothing. Resulting: mails that are owed and due were tried; staff know what was held back."""
    outbox.send_owed()
    mail_held()
