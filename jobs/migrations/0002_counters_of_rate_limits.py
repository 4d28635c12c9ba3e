from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="""
                CREATE TABLE jobs_limit (
                    cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
                );
                CREATE INDEX jobs_limit_expires ON jobs_limit (expires);
            """,
            reverse_sql="DROP TABLE jobs_limit",
        ),
    ]
