"""When whose plan changed, and who changed it."""

from django.conf import settings
from django.db import models

from gas.users.models import PlanChoice


class PlanChange(models.Model):
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
