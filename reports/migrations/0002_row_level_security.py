from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [protect("reports_importbatch"), protect("reports_importchunk")]
