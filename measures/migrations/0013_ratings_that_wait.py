"""Ratings that waited for the therapist's own before go on waiting. The owner, too, sees rows only without FORCE."""

from django.db import migrations

TABLES = ("measures_rating", "sessions_app_therapysession")


def for_all(statement: str) -> list[str]:
    return [statement.format(table) for table in TABLES]


class Migration(migrations.Migration):
    dependencies = [("measures", "0012_what_a_service_rates_with")]

    operations = [
        migrations.RunSQL(
            sql=[
                *for_all("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY"),
                """
                UPDATE measures_rating AS rating SET waits_for_therapist = true
                FROM sessions_app_therapysession AS session
                WHERE session.id = rating.session_id AND session.waived_at IS NULL
                  AND rating.rater = 'client' AND rating.superseded_at IS NULL
                  AND rating.instrument IN ('session-check-in', 'strain-check', 'wai-36', 'wai-s', 'haq-2')
                  AND NOT EXISTS (
                      SELECT FROM measures_rating AS own
                      WHERE own.session_id = session.id AND own.rater = 'therapist' AND own.superseded_at IS NULL
                  )
                """,
                *for_all("ALTER TABLE {} FORCE ROW LEVEL SECURITY"),
            ],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
