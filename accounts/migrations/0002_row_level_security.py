from django.db import migrations

from jobs.security import ORGANISATION, insert_only, protect

OF_A_VISIBLE_PERSON = "EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = user_id)"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        protect("accounts_organisation", f"id = {ORGANISATION}"),
        protect("accounts_user"),
        protect("accounts_supervision"),
        protect("accounts_submission"),
        protect("accounts_auditevent"),
        insert_only("accounts_auditevent"),
        protect("account_emailaddress", OF_A_VISIBLE_PERSON),
    ]
