"""Who has which plan and why: Stripe's last state, grants by staff, and every change of plan."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from gas import clock
from gas.users.models import PlanChoice


class PlanChange(models.Model):
    """One change of a plan: when, by whom, and why."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plan_changes")
    at = models.DateTimeField(auto_now_add=True)
    from_plan = models.CharField(max_length=10, choices=PlanChoice)
    to_plan = models.CharField(max_length=10, choices=PlanChoice)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.from_plan} → {self.to_plan}"


class GrantQuerySet(models.QuerySet["Grant"]):
    """Queries for grants."""

    def live(self, now: datetime | None = None) -> "GrantQuerySet":
        """Return the grants that make their person premium now."""
        return self.filter(Q(until=None) | Q(until__gt=now or clock.now()), ended_at=None)


class Grant(models.Model):
    """Premium granted by a member of staff, with a reason. It holds independent of Stripe."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is revoked.")
    reason = models.CharField(max_length=200)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, editable=False, help_text="When it was revoked, or found expired.")
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=["until"], condition=Q(ended_at=None), name="grant_open"),)

    def __str__(self) -> str:
        return f"Premium {f'until {self.until:%d %b %Y}' if self.until else 'without end'}: {self.reason}"


class Billing(models.Model):
    """A person as a customer of Stripe: the last reading of their subscription, and who is reading it.

    `wanted` counts the events that require a reading; `done` is the count that readings have covered. A reader holds
    the lease, so that there is one at a time (see gas.subscriptions.following).
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="billing")
    customer_id = models.CharField(max_length=255, null=True, unique=True)  # noqa: DJ001  (unique, once it is there)

    email = models.EmailField(blank=True, help_text="The address that Stripe was last told.")
    email_due_at = models.DateTimeField(default=clock.now, help_text="When the latest message to tell it was due.")

    status = models.CharField(max_length=30, blank=True, help_text="The subscription's, in Stripe's word.")
    subscription_id = models.CharField(max_length=255, blank=True)
    period_end = models.DateTimeField(null=True, help_text="What is paid for ends then, or renews.")
    ends_at = models.DateTimeField(null=True, help_text="It is cancelled, and ends then.")
    past_due_since = models.DateTimeField(null=True, help_text="When it was first read as past due.")
    read_at = models.DateTimeField(null=True)

    wanted = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    wanted_at = models.DateTimeField(null=True, help_text="When the latest message to read it was due.")
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "billing"
        indexes = (
            models.Index(fields=["wanted_at"], condition=Q(wanted__gt=models.F("done")), name="billing_unread"),
            models.Index(fields=["past_due_since"], condition=~Q(past_due_since=None), name="billing_past_due"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id or 'no customer'}: {self.status or 'no subscription'}"


class CustomerRemoval(models.Model):
    """A customer of a deleted account, to be deleted at Stripe with all subscriptions."""

    customer_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(default=clock.now, help_text="When its latest message was due at a worker.")
    deleted_at = models.DateTimeField(null=True, help_text="When Stripe deleted the customer. Webhooks may still come.")

    def __str__(self) -> str:
        return self.customer_id
