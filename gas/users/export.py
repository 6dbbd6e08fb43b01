"""A person's data as a ZIP, streamed: neither memory nor disk holds the whole file."""

import json
import time
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from gas.users.models import User
from gas.users.registry import File, export_providers

#: Files that are compressed already.
STORED = (".gz", ".tbi")


class _Pipe:
    """A write-only file for zipfile, whose bytes are taken piece by piece. It cannot seek: sizes follow each file."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = b"".join(self._written)
        self._written.clear()
        return data


def stream_zip(files: Iterable[File]) -> Iterator[bytes]:
    """Yield the bytes of a ZIP of `files`, piece by piece; the bytes of a file are read when the ZIP reaches it.

    Memory holds one piece at a time, whatever the files' sizes.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for name, pieces in files:
            entry = zipfile.ZipInfo(name, time.gmtime()[:6])
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
                    if data := pipe.take():
                        yield data
    yield pipe.take()


def everything(user: User) -> Iterator[File]:
    """Yield the files of a person's export: the account, then the data of each registered package."""
    yield "account.json", [as_json(account(user))]
    for files in export_providers:
        yield from files(user)


def account(user: User) -> dict[str, Any]:
    """Return the account as plain data, times in UTC. Secrets (password, keys, codes) are not in it."""
    return {
        "exported_at": timezone.now(),
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "institution": user.institution,
        "time_zone": user.time_zone,
        "plan": user.plan,
        "mail": {
            "completed": user.mail_completed,
            "failed": user.mail_failed,
            "restored": user.mail_restored,
            "details": user.mail_details,
        },
        "date_joined": user.date_joined,
        "last_login": user.last_login,
        "email_addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "linked_sign_ins": list(
            SocialAccount.objects.filter(user=user).values("provider", "uid", "date_joined", "last_login", "extra_data")
        ),
        "second_factors": [
            {"type": factor.type, "name": factor.data.get("name", ""), "created_at": factor.created_at}
            for factor in Authenticator.objects.filter(user=user)
        ],
        "sessions": list(
            UserSession.objects.filter(user=user).values("created_at", "last_seen_at", "ip", "user_agent")
        ),
    }


def as_json(value: object) -> bytes:
    """Return a value as indented JSON."""
    return json.dumps(value, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False).encode()
