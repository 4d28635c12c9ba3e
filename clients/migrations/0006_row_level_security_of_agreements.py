from django.db import migrations

from jobs.security import never_changed, protect


class Migration(migrations.Migration):
    dependencies = [("clients", "0005_goals_tasks_and_the_engagement_phase")]

    operations = [
        protect("clients_goal"),
        protect("clients_task"),
        protect("clients_agreement"),
        never_changed("clients_agreement"),
        protect("clients_attainmentscale"),
        never_changed("clients_attainmentscale"),
        protect("clients_engagementobjective"),
        protect("clients_expectations"),
        protect("clients_needsassessment"),
    ]
