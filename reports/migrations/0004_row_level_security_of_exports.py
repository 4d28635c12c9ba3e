from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_exports")]

    operations = [protect("reports_export"), protect("reports_exportpart")]
