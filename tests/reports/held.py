"""A client of whom everything is held that can be, with a canary in every word; and a look at the whole database."""

from django.db import connection

from measures.actions.comments import deliver_comments
from reports.privacy import erasure
from sessions_app.actions.drafts import save_draft
from tests import factories

CANARY = "Kestrel-canary"
CODE = "K-7731-canary"


def fill(episode, service):
    """A row in every table about the client, by what people do."""
    client, ada = episode.client, episode.therapist
    session = factories.make_session(episode, note=f"{CANARY} noted", next_time=f"{CANARY} next")
    agreed = factories.make_agreed(session, CANARY)
    factories.rate_as_therapist(session)
    rating = factories.rate_as_client(session, comment=f"{CANARY} commented")
    deliver_comments(ratings=[rating], by=ada)
    factories.make_risk_answer(session)
    factories.agree_to_mails(client, "kestrel-canary@post.example")
    factories.make_invitation(factories.make_session(episode))
    rupture = factories.make_rupture(session, what_happened=f"{CANARY} happened")
    factories.make_attempt(rupture, session, note=f"{CANARY} tried")
    factories.make_process_note(session, f"{CANARY} thought")
    factories.make_process_note(episode, f"{CANARY} thought of it all")
    save_draft(episode=episode, content={"note": [f"{CANARY} typed"]}, version=0, by=ada)
    factories.make_choices(service, episode)
    factories.make_course(episode, [8, 7, 8, 8, 7, 8, 2])
    return session, agreed


def everything() -> dict[str, str]:
    """The whole database as text, by table, past every model: what the service's own role can read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            found[table] = cursor.fetchone()[0]
    return found


def tables_with(*words: str) -> set[str]:
    return {table for table, text in everything().items() if any(word.lower() in text.lower() for word in words)}


def asked(client, service):
    return erasure.request_erasure(client=client, reason="client", by=service.ada)


def begun(client, service):
    request = asked(client, service)
    erasure.carry_out(erasure=request, code=client.code, by=service.sam)
    return request


def finish(request):
    while erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id):
        pass
    request.refresh_from_db()
    return request


def erased(client, service):
    return finish(begun(client, service))
