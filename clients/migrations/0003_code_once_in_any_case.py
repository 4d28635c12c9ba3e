from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("clients", "0002_row_level_security")]

    operations = [
        migrations.RemoveConstraint(model_name="client", name="clients_client_code_once"),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.UniqueConstraint("organisation", Lower("code"), name="clients_client_code_once"),
        ),
    ]
