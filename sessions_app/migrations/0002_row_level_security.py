from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0001_initial")]

    operations = [
        protect("sessions_app_therapysession"),
    ]
