from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_resumable_uploads'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='faults',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Faults of ours or of AWS in a row; they are no attempts at the file.'),
        ),
        migrations.AddField(
            model_name='removal',
            name='tries',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often in a row it could not be removed.'),
        ),
        migrations.AddField(
            model_name='removal',
            name='until',
            field=models.DateTimeField(help_text='Whoever made the copy may write until then: it is removed once more after that.', null=True),
        ),
        migrations.AddField(
            model_name='restorebatch',
            name='late_told_at',
            field=models.DateTimeField(help_text='When staff were told that it takes too long.', null=True),
        ),
        migrations.AddField(
            model_name='resultfile',
            name='faults',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often in a row it could not be archived or brought back.'),
        ),
        migrations.AlterField(
            model_name='removal',
            name='copy_id',
            field=models.CharField(help_text="The archive's id, the object's key, or the folder's.", max_length=255),
        ),
        migrations.AlterField(
            model_name='removal',
            name='route',
            field=models.CharField(help_text='Of the archive; hot for an object of the results bucket, folder for a folder of it.', max_length=10),
        ),
        migrations.AlterField(
            model_name='resultfile',
            name='problem',
            field=models.CharField(blank=True, help_text='Why it is neither archived nor brought back any more, for staff.', max_length=300),
        ),
    ]
