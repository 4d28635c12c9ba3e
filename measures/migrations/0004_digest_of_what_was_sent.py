from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("measures", "0003_length_of_comment")]

    operations = [
        migrations.AddField(
            model_name="ratingrequest",
            name="redeemed_digest",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
    ]
