from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0003_the_service_sees_itself")]

    operations = [
        protect("dashboards_episodefacts"),
        protect("dashboards_servicesummary"),
        protect("dashboards_servicerun"),
    ]
