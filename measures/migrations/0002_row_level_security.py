from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("measures", "0001_initial")]

    operations = [
        protect("measures_rating"),
        protect("measures_score"),
        protect("measures_ratingrequest"),
        protect("measures_episodeseries"),
        protect("measures_trend"),
    ]
