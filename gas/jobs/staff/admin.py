"""Admin pages of jobs: find a job, read its timeline, retry or cancel it; and the uploads switch."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject

from gas.aws.clients import AWSError
from gas.jobs.lifecycle import actions
from gas.jobs.models import (
    Job,
    JobEvent,
    Notice,
    ResultFile,
    StorageScan,
    UploadSwitch,
    VaultInventory,
)
from gas.jobs.sizes import in_words
from gas.jobs.staff import overview
from gas.jobs.staff.acting import Acting, staff_of
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.staff.admin_rows import GoesWithItsOwner, NeverDeleted, ShownIfThere
from gas.staff.audit import Audited


class EventInline(NeverDeleted, admin.TabularInline):
    """The timeline of a job."""

    model = JobEvent
    verbose_name_plural = "timeline"
    fields = readonly_fields = ("at", "machine", "from_state", "to_state", "message", "actor")


class ResultInline(ShownIfThere, admin.StackedInline):
    """The result of a job."""

    model = ResultFile
    exclude = ("lease_token",)


class NoticeInline(NeverDeleted, admin.TabularInline):
    """The mails about a job."""

    model = Notice
    fields = readonly_fields = ("kind", "created_at", "tries", "sent_at", "given_up_at")


@admin.register(Job)
class JobAdmin(Audited, Acting, admin.ModelAdmin):
    """Jobs, with the actions retry and cancel."""

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
    view_on_site = False  # the job's own page is for its owner alone

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).defer("summary", "preview")

    @admin.action(description="Try the selected jobs again", permissions=["act"])
    def retry_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.retry)

    @admin.action(description="Cancel the selected jobs", permissions=["act"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.cancel)

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[..., None]) -> None:
        done = 0
        for job in jobs:
            try:
                act(job, actor=staff_of(request))
                done += 1
            except actions.ActionRefused as refusal:
                self.message_user(request, f"“{job.name}”: {refusal}", messages.WARNING)
            except AWSError as error:
                self.message_user(request, f"“{job.name}”: AWS could not be reached ({error}).", messages.ERROR)
        self.message_user(request, f"Done for {done} of {len(jobs)} jobs.")


@admin.register(ResultFile)
class ResultAdmin(Audited, GoesWithItsOwner, Acting, admin.ModelAdmin):
    """Where results are, with actions to archive or restore them. The top of the page shows all storage."""

    change_list_template = "admin/jobs/storage.html"
    list_display = ("job_name", "owner", "state", "bytes", "moves")
    list_filter = ("state", "retrieval_tier", "archive_route", ("problem", admin.EmptyFieldListFilter))
    list_select_related = ("job__owner",)
    search_fields = ("job__id", "job__name", "job__owner__email", "archive_id")
    exclude = ("lease_token",)
    actions = ("archive_now", "restore_now", "tables_again")

    @admin.display(description="job", ordering="job__name")
    def job_name(self, result: ResultFile) -> str:
        return result.job.name

    @admin.display(ordering="job__owner__email")
    def owner(self, result: ResultFile) -> str:
        return result.job.owner.email

    @admin.display(description="size", ordering="size")
    def bytes(self, result: ResultFile) -> str:
        return in_words(result.size).replace(" ", "\N{NO-BREAK SPACE}")

    @admin.display(description="when", ordering="archive_due_at")
    def moves(self, result: ResultFile) -> str:
        """Return the time that matters most in the result's state."""
        word, at = {
            ResultState.AVAILABLE: ("due", result.archive_due_at),
            ResultState.ARCHIVED: ("archived", result.archived_at),
            ResultState.RESTORING: ("asked", result.retrieval_asked_at),
        }.get(ResultState(result.state), ("", None))
        return f"{word} {date_format(at, 'j M, H:i')}" if at else ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Only for the page itself: an action responds with a redirect.
        return super().changelist_view(
            request, {**(extra_context or {}), "storage": SimpleLazyObject(overview.overview)}
        )

    @admin.action(description="Archive the selected results now", permissions=["act"])
    def archive_now(self, request: HttpRequest, queryset: QuerySet[ResultFile]) -> None:
        # By primary key: the list may be filtered by the state that the action changes.
        chosen = list(queryset.values_list("pk", flat=True))
        done = overview.archive_now(chosen, actor=staff_of(request))
        self._tell(request, f"{done} of {len(chosen)} results are on their way to the archive.", done == len(chosen))
        if done < len(chosen):
            self.message_user(request, "Only available results of people whose plan archives can be.", messages.WARNING)

    @admin.action(description="Restore the selected results now", permissions=["act"])
    def restore_now(self, request: HttpRequest, queryset: QuerySet[ResultFile]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = restoration.restore_some(ResultFile.objects.filter(pk__in=chosen), actor=staff_of(request))
        self._tell(request, f"{done} of {len(chosen)} results are on their way back.", done == len(chosen))
        if done < len(chosen):
            self.message_user(request, "Only archived results can be restored.", messages.WARNING)

    @admin.action(description="Make the tables of the selected results again", permissions=["act"])
    def tables_again(self, request: HttpRequest, queryset: QuerySet[ResultFile]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = overview.tables_again(chosen, actor=staff_of(request))
        self._tell(request, f"The tables of {done} of {len(chosen)} results are to be made again.", done == len(chosen))
        if done < len(chosen):
            self.message_user(request, "Only available results with statistics have tables.", messages.WARNING)

    def _tell(self, request: HttpRequest, sentence: str, all_of_them: bool) -> None:
        self.message_user(request, sentence, messages.SUCCESS if all_of_them else messages.INFO)


@admin.register(VaultInventory)
class VaultInventoryAdmin(NeverDeleted, admin.ModelAdmin):
    """The vault's inventories, compared with the rows of results."""

    list_display = ("asked_at", "compared_at", "archives", "removed", "strangers")


@admin.register(StorageScan)
class StorageScanAdmin(NeverDeleted, admin.ModelAdmin):
    """Scans of S3, compared with the rows."""

    list_display = ("started_at", "finished_at", "objects_seen", "strays")


@admin.register(Notice)
class NoticeAdmin(Audited, GoesWithItsOwner, Acting, admin.ModelAdmin):
    """Mails to people: which were sent, and which were given up and can be sent again."""

    list_display = ("kind", "owner", "outcome", "tries", "created_at")
    list_filter = (
        "kind",
        ("sent_at", admin.EmptyFieldListFilter),
        ("given_up_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("owner",)
    search_fields = ("owner__email", "job__id", "job__name")
    date_hierarchy = "created_at"
    actions = ("send_again",)

    @admin.display(ordering="given_up_at")
    def outcome(self, notice: Notice) -> str:
        return "Sent" if notice.sent_at else "Given up" if notice.given_up_at else "To be sent"

    @admin.action(description="Send the selected mails again, if given up", permissions=["act"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = overview.send_again(Notice.objects.filter(pk__in=chosen), actor=staff_of(request))
        self.message_user(request, f"{done} of {len(chosen)} mails are to be sent again.")


@admin.register(UploadSwitch)
class UploadSwitchAdmin(admin.ModelAdmin):
    """The only row, which opens and closes uploads."""

    list_display = ("__str__", "open", "message")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
