from django.db import migrations

from jobs.security import protect


class Migration(migrations.Migration):
    dependencies = [("supervision", "0001_meetings_agendas_and_learning_targets")]

    operations = [
        protect("supervision_meeting"),
        protect("supervision_agendaitem"),
        protect("supervision_nextstep"),
        protect("supervision_learningtarget"),
    ]
