from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "gas.jobs"
    label = "jobs"

    def ready(self) -> None:
        from gas import checks  # noqa: F401, PLC0415  (registers the system checks)
        from gas.jobs import archival, personal, purge  # noqa: F401, PLC0415  (two connect a receiver each)

        personal.register()
