from django.db import migrations, models

SUMMARY = "dashboards_episodesummary"
# What somebody decided is in the list at once: it is read anew in the transaction that changes it, and once more by
# the job that keeps the summary, which mends whatever was forgotten.
READ_STANDING = f"""
    CREATE FUNCTION dashboards_read_standing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT count(*) INTO NEW.new_signals
        FROM sessions_app_therapysession AS held JOIN ruptures_signal AS noticed ON noticed.session_id = held.id
        WHERE held.episode_id = NEW.episode_id AND noticed.state = 'new';
        -- What the client suspects of a session is answered with the signal of that session.
        SELECT min(held.held_on) INTO NEW.rupture_since
        FROM sessions_app_therapysession AS held JOIN ruptures_rupture AS rupture ON rupture.session_id = held.id
        WHERE held.episode_id = NEW.episode_id
            AND (
                rupture.state IN ('confirmed', 'in-repair')
                OR rupture.state = 'suspected' AND NOT EXISTS (
                    SELECT FROM ruptures_signal AS noticed
                    WHERE noticed.session_id = held.id AND noticed.state = 'new'
                )
            );
        SELECT count(*) > 0, count(*) FILTER (WHERE level >= 3) < 3 INTO NEW.has_objective, NEW.lacks_objective
        FROM clients_engagementobjective WHERE episode_id = NEW.episode_id;
        NEW.lacks_objective := NEW.lacks_objective
            AND NOT EXISTS (SELECT FROM sessions_app_firstchallenge WHERE episode_id = NEW.episode_id);
        RETURN NEW;
    END $$;
    CREATE TRIGGER standing_before_update BEFORE UPDATE OF computed_version ON {SUMMARY}
        FOR EACH ROW EXECUTE FUNCTION dashboards_read_standing();

    CREATE FUNCTION dashboards_renew_standing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {SUMMARY} SET computed_version = computed_version
        WHERE episode_id IN (SELECT episode_id FROM changed);
        RETURN NULL;
    END $$;
    -- The words of the row are about signals as well, and older than they are from now on.
    CREATE FUNCTION dashboards_renew_standing_of_signals() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {SUMMARY} SET computed_version = computed_version, input_version = input_version + 1
        WHERE episode_id IN (
            SELECT episode_id FROM changed JOIN sessions_app_therapysession AS held ON held.id = changed.session_id
        );
        RETURN NULL;
    END $$;
    CREATE FUNCTION dashboards_renew_standing_of_rupture() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {SUMMARY} SET
            computed_version = computed_version,
            input_version = input_version + CASE WHEN TG_OP = 'UPDATE' THEN 1 ELSE 0 END
        FROM sessions_app_therapysession AS held
        WHERE held.id = coalesce(NEW.session_id, OLD.session_id) AND {SUMMARY}.episode_id = held.episode_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER standing_after AFTER INSERT OR UPDATE OF state OR DELETE ON ruptures_rupture
        FOR EACH ROW EXECUTE FUNCTION dashboards_renew_standing_of_rupture();
"""
NOT_READ = f"""
    DROP TRIGGER standing_before_update ON {SUMMARY};
    DROP FUNCTION dashboards_read_standing;
    DROP FUNCTION dashboards_renew_standing;
    DROP FUNCTION dashboards_renew_standing_of_signals;
    DROP TRIGGER standing_after ON ruptures_rupture;
    DROP FUNCTION dashboards_renew_standing_of_rupture;
"""
# Of the episodes that are there already, the sweep reads it.
LATER = f"""
    ALTER TABLE {SUMMARY} NO FORCE ROW LEVEL SECURITY;
    UPDATE {SUMMARY} SET computed_version = 0;
    ALTER TABLE {SUMMARY} FORCE ROW LEVEL SECURITY;
"""
CHANGES = (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD"))


def renew(table: str, function: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        "".join(
            f"""
            CREATE TRIGGER standing_after_{change} AFTER {change.upper()} ON {table}
                REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();
            """
            for change, rows in CHANGES
        ),
        "".join(f"DROP TRIGGER standing_after_{change} ON {table};" for change, _ in CHANGES),
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
        renew("ruptures_signal", "dashboards_renew_standing_of_signals"),
        renew("clients_engagementobjective", "dashboards_renew_standing"),
        renew("sessions_app_firstchallenge", "dashboards_renew_standing"),
        migrations.RunSQL(LATER, migrations.RunSQL.noop),
    ]
