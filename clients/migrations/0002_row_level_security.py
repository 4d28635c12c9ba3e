from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial")]

    operations = [
        protect("clients_client"),
        protect("clients_episode"),
    ]
