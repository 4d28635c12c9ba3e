from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0005_progress_outcomes_and_core_conditions")]

    operations = [
        protect("sessions_app_goalprogress"),
        protect("sessions_app_taskoutcome"),
        protect("sessions_app_firstchallenge"),
        protect("sessions_app_coreconditions"),
    ]
