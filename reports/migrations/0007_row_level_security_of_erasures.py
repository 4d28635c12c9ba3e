from django.db import migrations

from jobs.security import protect

# A proof that could be changed would be none. What is not done yet moves on, and goes with the client it is about.
PROOF_STANDS = """
    CREATE FUNCTION reports_refuse_change_of_proof() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the proof of an erasure stands' USING ERRCODE = 'integrity_constraint_violation';
    END $$;
    CREATE TRIGGER proof_stands BEFORE UPDATE OR DELETE ON reports_erasure
        FOR EACH ROW WHEN (OLD.state = 'done') EXECUTE FUNCTION reports_refuse_change_of_proof();
"""
PROOF_FALLS = """
    DROP TRIGGER proof_stands ON reports_erasure;
    DROP FUNCTION reports_refuse_change_of_proof;
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0006_packs_erasures_and_holds")]

    operations = [
        protect("reports_legalhold"),
        protect("reports_retentionnotice"),
        protect("reports_erasure"),
        migrations.RunSQL(PROOF_STANDS, PROOF_FALLS),
    ]
