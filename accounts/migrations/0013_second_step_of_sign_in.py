from django.db import migrations, models

from jobs.security import protect

# As of the addresses that django-allauth keeps: its tables have no organisation, and whoever sees the person sees them.
OF_A_VISIBLE_PERSON = "EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = user_id)"


class Migration(migrations.Migration):
    dependencies = [
        ("mfa", "0003_authenticator_type_uniq"),
        ("usersessions", "0001_initial"),
        ("accounts", "0012_events_with_their_way_and_number"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="second_factor_for",
            field=models.CharField(
                choices=[
                    ("nobody", "Nobody; whoever wants to may set it up"),
                    ("overseers", "Supervisors and administrators"),
                    ("everybody", "Everybody"),
                ],
                db_default="overseers",
                default="overseers",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="organisation",
            constraint=models.CheckConstraint(
                condition=models.Q(("second_factor_for__in", ["nobody", "overseers", "everybody"])),
                name="accounts_organisation_second_factor_for_known",
            ),
        ),
        # The owner is bound by the policies, too: they are lifted for this one statement.
        migrations.RunSQL(
            sql="""
                ALTER TABLE accounts_organisation NO FORCE ROW LEVEL SECURITY;
                UPDATE accounts_organisation SET second_factor_for = 'nobody' WHERE is_demo;
                ALTER TABLE accounts_organisation FORCE ROW LEVEL SECURITY;
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        protect("mfa_authenticator", OF_A_VISIBLE_PERSON),
        protect("usersessions_usersession", OF_A_VISIBLE_PERSON),
    ]
