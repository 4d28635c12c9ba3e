from django.core.validators import MaxLengthValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0002_row_level_security")]

    operations = [
        migrations.AlterField(
            model_name="therapysession",
            name="note",
            field=models.TextField(blank=True, max_length=20_000, validators=[MaxLengthValidator(20_000)]),
        ),
    ]
