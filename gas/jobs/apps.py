from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "gas.jobs"
    label = "jobs"

    def ready(self) -> None:
        from gas.jobs import personal, purge  # noqa: F401, PLC0415  (purge connects its receiver)

        personal.register()
