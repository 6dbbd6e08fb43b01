"""The Django app `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Check the kinds of mails, and register the signal receivers of jobs."""

    name = "gas.jobs"
    label = "jobs"

    def ready(self) -> None:
        from gas.jobs import notice_kinds, personal  # noqa: PLC0415  (models must be loaded)
        from gas.jobs.storage import archival, purge  # noqa: F401, PLC0415  (two connect a receiver each)

        notice_kinds.check()
        personal.register()
