from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0007_process_notes")]

    operations = [
        protect("sessions_app_processnote"),
    ]
