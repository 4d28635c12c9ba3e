from django.core.validators import MaxLengthValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("measures", "0002_row_level_security")]

    operations = [
        migrations.AlterField(
            model_name="rating",
            name="comment",
            field=models.TextField(blank=True, max_length=2_000, validators=[MaxLengthValidator(2_000)]),
        ),
    ]
