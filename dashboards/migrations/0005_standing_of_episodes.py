from django.db import migrations, models

SUMMARY = "dashboards_episodesummary"
# What somebody decided is in the list at once: it is read anew in the transaction that changes it, and once more by
# the job that keeps the summary, which mends whatever was forgotten. Ids are gathered before they are looked for: a join
# is planned by what is known of the tables, and of those that are being filled that is nothing.
READ_STANDING = f"""
    CREATE FUNCTION dashboards_read_standing() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held uuid[] := ARRAY(SELECT id FROM sessions_app_therapysession WHERE episode_id = NEW.episode_id);
        noticed uuid[] := ARRAY(SELECT session_id FROM ruptures_signal WHERE session_id = ANY(held) AND state = 'new');
        -- What the client suspects of a session is answered with the signal of that session.
        strained uuid[] := ARRAY(
            SELECT session_id FROM ruptures_rupture
            WHERE session_id = ANY(held)
                AND (state IN ('confirmed', 'in-repair') OR state = 'suspected' AND session_id <> ALL(noticed))
        );
    BEGIN
        NEW.new_signals := cardinality(noticed);
        SELECT min(held_on) INTO NEW.rupture_since FROM sessions_app_therapysession WHERE id = ANY(strained);
        SELECT count(*) > 0, count(*) FILTER (WHERE level >= 3) < 3 INTO NEW.has_objective, NEW.lacks_objective
        FROM clients_engagementobjective WHERE episode_id = NEW.episode_id;
        NEW.lacks_objective := NEW.lacks_objective
            AND NOT EXISTS (SELECT FROM sessions_app_firstchallenge WHERE episode_id = NEW.episode_id);
        RETURN NEW;
    END $$;
    CREATE TRIGGER standing_before_update BEFORE UPDATE OF computed_version ON {SUMMARY}
        FOR EACH ROW EXECUTE FUNCTION dashboards_read_standing();
"""
NOT_READ = f"""
    DROP TRIGGER standing_before_update ON {SUMMARY};
    DROP FUNCTION dashboards_read_standing;
"""
# The argument of a trigger says whether what the row shows in words is older than the change from then on: 1, or 0.
RENEW = f"""
    CREATE FUNCTION dashboards_renew_standing(episodes uuid[], older text) RETURNS void LANGUAGE sql AS $$
        UPDATE {SUMMARY} SET computed_version = computed_version, input_version = input_version + older::integer
        WHERE episode_id = ANY(episodes)
    $$;
    CREATE FUNCTION dashboards_standing_by_episode() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM dashboards_renew_standing(ARRAY(SELECT episode_id FROM changed), TG_ARGV[0]);
        RETURN NULL;
    END $$;
    CREATE FUNCTION dashboards_standing_by_session() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held uuid[] := ARRAY(SELECT session_id FROM changed);
    BEGIN
        PERFORM dashboards_renew_standing(
            ARRAY(SELECT episode_id FROM sessions_app_therapysession WHERE id = ANY(held)), TG_ARGV[0]
        );
        RETURN NULL;
    END $$;
    CREATE FUNCTION dashboards_standing_by_state() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held uuid[] := ARRAY(
            SELECT changed.session_id FROM changed JOIN before USING (id) WHERE changed.state <> before.state
        );
    BEGIN
        PERFORM dashboards_renew_standing(
            ARRAY(SELECT episode_id FROM sessions_app_therapysession WHERE id = ANY(held)), TG_ARGV[0]
        );
        RETURN NULL;
    END $$;
"""
NOT_RENEWED = """
    DROP FUNCTION dashboards_standing_by_state;
    DROP FUNCTION dashboards_standing_by_session;
    DROP FUNCTION dashboards_standing_by_episode;
    DROP FUNCTION dashboards_renew_standing;
"""
# Of the episodes that are there already, the sweep reads it.
LATER = f"""
    ALTER TABLE {SUMMARY} NO FORCE ROW LEVEL SECURITY;
    UPDATE {SUMMARY} SET computed_version = 0;
    ALTER TABLE {SUMMARY} FORCE ROW LEVEL SECURITY;
"""
INSERTED, UPDATED, DELETED = "insert", "update", "delete"
ROWS = {
    INSERTED: "NEW TABLE AS changed",
    UPDATED: "OLD TABLE AS before NEW TABLE AS changed",
    DELETED: "OLD TABLE AS changed",
}


def renew(table: str, function: str, *changes: str, older: int = 0) -> migrations.RunSQL:
    return migrations.RunSQL(
        "".join(
            f"""
            CREATE TRIGGER standing_after_{change} AFTER {change.upper()} ON {table}
                REFERENCING {ROWS[change]} FOR EACH STATEMENT EXECUTE FUNCTION dashboards_standing_{function}({older});
            """
            for change in changes
        ),
        "".join(f"DROP TRIGGER standing_after_{change} ON {table};" for change in changes),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("dashboards", "0004_row_level_security_of_the_service"),
        ("clients", "0006_row_level_security_of_agreements"),
        ("sessions_app", "0006_row_level_security_of_what_sessions_hold"),
        ("ruptures", "0005_row_level_security_of_ruptures"),
    ]

    operations = [
        migrations.AddField("episodesummary", "shown", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField("episodesummary", "new_signals", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("episodesummary", "rupture_since", models.DateField(blank=True, null=True)),
        migrations.AddField("episodesummary", "has_objective", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("episodesummary", "lacks_objective", models.BooleanField(db_default=True, default=True)),
        migrations.RunSQL(READ_STANDING, NOT_READ),
        migrations.RunSQL(RENEW, NOT_RENEWED),
        renew("clients_engagementobjective", "by_episode", INSERTED, UPDATED, DELETED),
        renew("sessions_app_firstchallenge", "by_episode", INSERTED, UPDATED, DELETED),
        renew("ruptures_signal", "by_session", INSERTED, DELETED, older=1),
        renew("ruptures_signal", "by_state", UPDATED, older=1),
        renew("ruptures_rupture", "by_session", INSERTED, DELETED),
        renew("ruptures_rupture", "by_state", UPDATED, older=1),
        migrations.RunSQL(LATER, migrations.RunSQL.noop),
    ]
