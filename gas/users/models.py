"""A person's account. The e-mail address is the login; there are no user names."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class PlanChoice(models.TextChoices):
    """The plans. gas.subscriptions.plans defines what each means."""

    FREE = "free", "Free"
    PREMIUM = "premium", "Premium"


class UserManager(BaseUserManager["User"]):
    """Create accounts identified by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("An account needs an e-mail address")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A person with an account, identified by their e-mail address."""

    # Part of S3 keys, so not a number that reveals how many accounts there are.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    institution = models.CharField(max_length=150, blank=True)
    time_zone = models.CharField(
        max_length=64, blank=True, help_text="Times are shown in this zone; empty for that of the device."
    )
    mail_completed = models.BooleanField("a job or a large export is done", default=True)
    mail_failed = models.BooleanField("a job failed", default=True)
    mail_restored = models.BooleanField("archived results are back", default=True)
    mail_details = models.BooleanField(
        "Name findings in mails about results",
        default=False,
        db_default=False,
        help_text="Genes, variants and conditions are then written in the mail. Mail is not encrypted: everybody who "
        "can read the mailbox, or handles the mail on its way, can read them. Otherwise a mail only says how many "
        "findings there are.",
    )
    # Changed by gas.subscriptions.changes.set_plan only.
    plan = models.CharField(max_length=10, choices=PlanChoice, default=PlanChoice.FREE, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[assignment,misc]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.partition(" ")[0] or self.email.partition("@")[0]


class Export(models.Model):
    """A person's data as one file in S3: requested, being made, ready, or failed. One for each person.

    The row outlives the account until the file is removed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.OneToOneField(User, null=True, on_delete=models.SET_NULL)
    key = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    # While it is being made: when the next worker may start.
    due_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(null=True)
    ready_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    # When the file and this row are removed.
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def is_being_made(self) -> bool:
        return self.ready_at is None and self.failed_at is None
