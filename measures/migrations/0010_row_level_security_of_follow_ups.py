from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("measures", "0009_follow_up_of_comments")]

    operations = [
        protect("measures_commentfollowup"),
    ]
