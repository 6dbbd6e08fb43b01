"""The Django app `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Register the signal receivers of jobs."""

    name = "gas.jobs"
    label = "jobs"

    def ready(self) -> None:
        from gas.jobs import personal  # noqa: PLC0415  (two connect a receiver each)
        from gas.jobs.storage import archival, purge  # noqa: F401, PLC0415  (two connect a receiver each)

        personal.register()
