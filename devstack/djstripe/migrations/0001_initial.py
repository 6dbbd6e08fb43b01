"""All of dj-stripe's models as they are now, in one step."""

from typing import Any

from django.apps import apps
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState


def _models() -> list[Any]:
    return [model for model in apps.get_app_config("djstripe").get_models() if not model._meta.proxy]


class CreateTables(Operation):
    reversible = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Models made of the state are made when they are next asked for, once, and not after each model.
        state.__dict__.pop("apps", None)
        for model in _models():
            state.add_model(ModelState.from_model(model))

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # Constraints between them are made at the end, so that their order does not matter.
        for model in _models():
            schema_editor.create_model(model)

    def describe(self) -> str:
        return "Create all tables of dj-stripe"


class Migration(migrations.Migration):
    initial = True
    # After whatever alters the people, which would have Django make all of these models anew.
    dependencies = (("users", "0002_profile"),)
    operations = (CreateTables(),)
