from django.db import migrations


def make_switch(apps, schema_editor):
    """The one row of the switch: staff flip it, nobody adds another."""
    apps.get_model("jobs", "UploadSwitch").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(make_switch, migrations.RunPython.noop)]
