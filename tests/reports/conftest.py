import pytest
from django.utils import timezone

from clients.models import Client
from reports.models import RetentionNotice
from reports.privacy import erasure, packs
from supervision import actions as supervision
from tests import factories
from tests.reports.held import CANARY, CODE, fill


@pytest.fixture
def harbour(service):
    """Ada's client Kestrel, of whom everything is held, and Rowan beside; files with both."""
    episode = factories.make_episode(service.ada, code=CODE, name=CANARY, weeks_ago=60)
    fill(episode, service)
    other = factories.make_episode(service.ada, code="R-1", name="Rowan")
    factories.make_course(other, [7, 7, 6])
    meeting = factories.make_supervision(service, episode)
    notes = {"notes": f"{CANARY} and nobody else.", "notes_shared": True, "version": meeting.version}
    supervision.write_notes(meeting=meeting, by=service.ruth, **notes)
    factories.make_summaries(service)
    packs.ask_pack(client=episode.client, by=service.ada)
    factories.make_export(service.ada, is_identifying=True, purpose=f"For {CODE}", finish=True)
    hold = erasure.set_hold(client=episode.client, reason=f"{CANARY} complained", by=service.sam)
    erasure.lift_hold(hold=hold, by=service.sam)
    RetentionNotice.objects.create(
        organisation=service.organisation, client=episode.client, noticed_on=timezone.localdate()
    )
    turned_down = erasure.request_erasure(client=episode.client, reason="mistake", by=service.ada)
    erasure.close_request(erasure=turned_down, by=service.sam)
    return service


@pytest.fixture
def kestrel(harbour):
    return Client.objects.get(code=CODE)
