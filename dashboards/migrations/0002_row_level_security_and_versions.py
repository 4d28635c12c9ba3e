from django.db import migrations

from jobs.security import protect

SUMMARY = "dashboards_episodesummary"
# Whatever changes an episode's sessions, and from wherever, leaves its summary marked as older than they are.
COUNT_UP = f"""
    CREATE FUNCTION dashboards_count_up_summaries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO {SUMMARY} (id, organisation_id, episode_id)
        SELECT gen_random_uuid(), organisation_id, episode_id FROM changed
        GROUP BY organisation_id, episode_id ORDER BY episode_id
        ON CONFLICT (episode_id) DO UPDATE SET input_version = {SUMMARY}.input_version + 1;
        RETURN NULL;
    END $$;
    CREATE TRIGGER summaries_after_insert AFTER INSERT ON sessions_app_therapysession
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dashboards_count_up_summaries();
    CREATE TRIGGER summaries_after_update AFTER UPDATE ON sessions_app_therapysession
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dashboards_count_up_summaries();
    CREATE TRIGGER summaries_after_delete AFTER DELETE ON sessions_app_therapysession
        REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dashboards_count_up_summaries();
"""
NO_COUNT = """
    DROP TRIGGER summaries_after_insert ON sessions_app_therapysession;
    DROP TRIGGER summaries_after_update ON sessions_app_therapysession;
    DROP TRIGGER summaries_after_delete ON sessions_app_therapysession;
    DROP FUNCTION dashboards_count_up_summaries;
"""
# An episode in which nothing has happened yet has a summary that says so.
BEGIN_EMPTY = f"""
    CREATE FUNCTION dashboards_begin_summaries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO {SUMMARY} (id, organisation_id, episode_id, computed_version)
        SELECT gen_random_uuid(), organisation_id, id, 1 FROM changed ON CONFLICT (episode_id) DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER summaries_after_insert AFTER INSERT ON clients_episode
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dashboards_begin_summaries();
"""
NO_BEGIN = "DROP TRIGGER summaries_after_insert ON clients_episode; DROP FUNCTION dashboards_begin_summaries;"
# Of the episodes that are there already; the sweep computes them.
FOR_ALL = f"""
    ALTER TABLE clients_episode NO FORCE ROW LEVEL SECURITY;
    INSERT INTO {SUMMARY} (id, organisation_id, episode_id)
    SELECT gen_random_uuid(), organisation_id, id FROM clients_episode;
    ALTER TABLE clients_episode FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dashboards", "0001_summaries_of_episodes"),
        ("clients", "0002_row_level_security"),
        ("sessions_app", "0002_row_level_security"),
    ]

    operations = [
        migrations.RunSQL(FOR_ALL, migrations.RunSQL.noop),
        protect(SUMMARY),
        migrations.RunSQL(COUNT_UP, NO_COUNT),
        migrations.RunSQL(BEGIN_EMPTY, NO_BEGIN),
    ]
