"""What the database keeps by itself, as migration operations: who sees which rows, and when one changed."""

from django.conf import settings
from django.db.migrations.operations import RunSQL

ORGANISATION = "NULLIF(current_setting('app.organisation', true), '')::uuid"


def protect(table: str, condition: str = f"organisation_id = {ORGANISATION}") -> RunSQL:
    """Show and accept only rows of the transaction's organisation; no organisation, no rows."""
    return RunSQL(
        sql=f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY organisation ON {table} USING ({condition}) WITH CHECK ({condition});
        """,
        reverse_sql=f"""
            DROP POLICY organisation ON {table};
            ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def insert_only(table: str) -> RunSQL:
    """The application may add and read rows, and nothing else."""
    return RunSQL(
        sql=f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{settings.APP_ROLE}"',
        reverse_sql=f'GRANT UPDATE, DELETE ON {table} TO "{settings.APP_ROLE}"',
    )


def unchangeable(table: str) -> RunSQL:
    """A second wall behind `insert_only`: the owner of the table is refused, too, until they take it away."""
    return RunSQL(
        sql=f"""
            CREATE OR REPLACE FUNCTION jobs_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'What is in % is never changed.', TG_TABLE_NAME; END $$;
            CREATE TRIGGER unchangeable BEFORE UPDATE OR DELETE ON {table}
                FOR EACH ROW EXECUTE FUNCTION jobs_refuse_change();
        """,
        reverse_sql=f"DROP TRIGGER unchangeable ON {table}",
    )


def never_changed(table: str) -> RunSQL:
    """What is written stands: the application may add and read rows, and delete them where somebody is erased."""
    return RunSQL(
        sql=f'REVOKE UPDATE, TRUNCATE ON {table} FROM "{settings.APP_ROLE}"',
        reverse_sql=f'GRANT UPDATE ON {table} TO "{settings.APP_ROLE}"',
    )


def touched(table: str) -> RunSQL:
    """Every change of a row sets its `updated_at`, whichever way it is written; the same values again are none."""
    return RunSQL(
        sql=f"CREATE TRIGGER touched BEFORE UPDATE ON {table} FOR EACH ROW"
        " WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION jobs_touch()",
        reverse_sql=f"DROP TRIGGER touched ON {table}",
    )
