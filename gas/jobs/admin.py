"""The staff's view of jobs: find one, read its timeline, try it again, stop it; and the uploads switch."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from gas.aws.clients import AWSError
from gas.jobs import actions, restoration, staff
from gas.jobs.models import Job, JobEvent, Notice, ResultFile, UploadSwitch
from gas.users.models import User


class ReadOnly:
    """Rows that the service writes: staff look, and act through actions, which keep the state machines."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted(ReadOnly):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EventInline(NeverDeleted, admin.TabularInline):
    model = JobEvent
    verbose_name_plural = "timeline"
    fields = readonly_fields = ("at", "machine", "from_state", "to_state", "message", "actor")


class ResultInline(NeverDeleted, admin.StackedInline):
    model = ResultFile


class NoticeInline(NeverDeleted, admin.TabularInline):
    model = Notice
    fields = readonly_fields = ("kind", "created_at", "tries", "sent_at")


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        "name",
        "owner",
        "status",
        "reference",
        "created_at",
        "finished_at",
        "attempts",
        "failure_code",
    )
    list_filter = ("status", "reference", "failure_code", "created_at")
    list_select_related = ("owner",)
    search_fields = ("id", "name", "owner__email")
    date_hierarchy = "created_at"
    exclude = ("preview", "lease_token")
    inlines = (EventInline, ResultInline, NoticeInline)
    actions = ("retry_jobs", "cancel_jobs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).defer("summary", "preview")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Who may only look has "view"; who may act has "change", though no field can be changed by hand."""
        return request.user.has_perm("jobs.change_job")

    @admin.action(description="Try the selected jobs again", permissions=["act"])
    def retry_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.retry)

    @admin.action(description="Cancel the selected jobs", permissions=["act"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.cancel)

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[..., None]) -> None:
        assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
        done = 0
        for job in jobs:
            try:
                act(job, actor=request.user)
                done += 1
            except actions.ActionRefused as refusal:
                self.message_user(request, f"“{job.name}”: {refusal}", messages.WARNING)
            except AWSError as error:
                self.message_user(request, f"“{job.name}”: AWS could not be reached ({error}).", messages.ERROR)
        self.message_user(request, f"Done for {done} of {len(jobs)} jobs.")


@admin.register(ResultFile)
class ResultAdmin(ReadOnly, admin.ModelAdmin):
    """Where results are; archive or restore them now. The page's head has the state of storage as a whole."""

    change_list_template = "admin/jobs/storage.html"
    list_display = ("job", "owner", "state", "size", "archive_due_at", "archived_at", "retrieval_tier", "problem")
    list_filter = ("state", "retrieval_tier", "archive_route", ("problem", admin.EmptyFieldListFilter))
    list_select_related = ("job__owner",)
    search_fields = ("job__id", "job__name", "job__owner__email", "archive_id")
    exclude = ("lease_token",)
    actions = ("archive_now", "restore_now")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # With its job it may go; Django asks here for that, too.
        return request.resolver_match is not None and "resultfile" not in (request.resolver_match.url_name or "")

    @admin.display(ordering="job__owner__email")
    def owner(self, result: ResultFile) -> str:
        return result.job.owner.email

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "storage": staff.overview()})

    @admin.action(description="Archive the selected results now")
    def archive_now(self, request: HttpRequest, queryset: QuerySet[ResultFile]) -> None:
        assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
        done = staff.archive_now(queryset, actor=request.user)
        self.message_user(request, f"{done} of {len(queryset)} results are on their way to the archive.")

    @admin.action(description="Restore the selected results now")
    def restore_now(self, request: HttpRequest, queryset: QuerySet[ResultFile]) -> None:
        assert isinstance(request.user, User)  # noqa: S101
        done = restoration.restore_some(queryset, actor=request.user)
        self.message_user(request, f"{done} of {len(queryset)} results are on their way back.")


@admin.register(UploadSwitch)
class UploadSwitchAdmin(admin.ModelAdmin):
    list_display = ("__str__", "open", "message")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
