"""Mail that the service sends can be read, by people and by programs."""

import re
import uuid
from email.message import EmailMessage

import pytest
import requests

from devstack.aws.provision import client


@pytest.fixture
def send(endpoint):
    """Sends as the service does: SES version 2, raw."""

    def send(to, subject="Your job is done", text="Plain – text", html="<p>Rich – text</p>"):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "GAS <no-reply@gas.example>", to, subject
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        sent = client("sesv2", endpoint).send_email(
            Destination={"ToAddresses": [to]}, Content={"Raw": {"Data": message.as_bytes()}}
        )
        return sent["MessageId"]

    return send


@pytest.fixture
def someone():
    return f"Ada-{uuid.uuid4().hex[:8]}@lab.example"


def mails(endpoint, to=""):
    return requests.get(f"{endpoint}/_devstack/mail.json", params={"to": to}, timeout=10).json()


def test_both_parts_are_read(endpoint, send, someone):
    message_id = send(someone, subject="Ünïcode • subject")
    (mail,) = mails(endpoint, someone)
    assert mail["message_id"] == message_id
    assert mail["to"] == [someone.lower()]
    assert mail["subject"] == "Ünïcode • subject"
    assert mail["sender"] == "GAS <no-reply@gas.example>"
    assert mail["text"].strip() == "Plain – text"
    assert mail["html"].strip() == "<p>Rich – text</p>"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", mail["at"])


def test_the_newest_comes_first_and_each_is_its_receivers(endpoint, send, someone):
    send(someone, subject="first")
    send("other@lab.example", subject="not for her")
    send(someone, subject="second")
    assert [mail["subject"] for mail in mails(endpoint, someone)] == ["second", "first"]
    everything = [mail["id"] for mail in mails(endpoint)]
    assert everything == sorted(everything, reverse=True)


def test_simple_messages_are_read_too(endpoint, someone):
    client("ses", endpoint).send_email(
        Source="no-reply@gas.example",
        Destination={"ToAddresses": [someone]},
        Message={"Subject": {"Data": "simple"}, "Body": {"Text": {"Data": "text"}}},
    )
    (mail,) = mails(endpoint, someone)
    assert (mail["subject"], mail["text"]) == ("simple", "text")


def test_a_sender_who_is_not_verified_is_refused(endpoint):
    ses = client("sesv2", endpoint)
    with pytest.raises(ses.exceptions.MessageRejected):
        ses.send_email(
            FromEmailAddress="spoof@else.example",
            Destination={"ToAddresses": ["a@lab.example"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )


def test_people_read_it_in_a_browser(endpoint, send, someone):
    send(
        someone,
        subject="<b>bold</b>",
        text="See http://127.0.0.1:8000/a?b=1&c=2 now",
        html='<p>"hi" <script>x</script>',
    )
    (mail,) = mails(endpoint, someone)
    listing = requests.get(f"{endpoint}/_devstack/mail/", timeout=10)
    assert listing.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "&lt;b&gt;bold&lt;/b&gt;" in listing.text
    assert f'href="/_devstack/mail/{mail["id"]}"' in listing.text
    page = requests.get(f"{endpoint}/_devstack/mail/{mail['id']}", timeout=10)
    assert "<script>" not in page.text
    assert "&quot;hi&quot; &lt;script&gt;" in page.text
    assert '<a href="http://127.0.0.1:8000/a?b=1&amp;c=2">' in page.text


@pytest.mark.parametrize("path", ["mail/999999", "mail/x", "nothing"])
def test_there_is_no_such_page(endpoint, path):
    assert requests.get(f"{endpoint}/_devstack/{path}", timeout=10).status_code == 404


def test_a_deleted_mail_is_gone_and_the_others_keep_their_numbers(endpoint, send, someone):
    send(someone, subject="first")
    send(someone, subject="second")
    second, first = mails(endpoint, someone)
    assert requests.delete(f"{endpoint}/_devstack/mail/{first['id']}", timeout=10).status_code == 204
    assert mails(endpoint, someone) == [second]
    assert requests.get(f"{endpoint}/_devstack/mail/{first['id']}", timeout=10).status_code == 404
    assert requests.get(f"{endpoint}/_devstack/mail/{second['id']}", timeout=10).ok
