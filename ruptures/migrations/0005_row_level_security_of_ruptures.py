from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("ruptures", "0004_ruptures_and_repair_attempts")]

    operations = [protect("ruptures_rupture"), protect("ruptures_repairattempt")]
