from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("ruptures", "0001_signals")]

    operations = [protect("ruptures_signal"), protect("ruptures_recompute")]
