"""Hundreds of canaries go through pages, forms, links, files, faults and jobs; the log must hold none of them."""

import io
import json
import logging
import re
import uuid

import pytest
import structlog
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.access import PAGES, Who
from alliance_site.logs import json_formatter
from jobs import actions as jobs
from jobs.models import Job
from tests import factories
from tests.access.world import NOTES, PASSWORD, address, content, make_world, route_names

pytestmark = pytest.mark.django_db
log = structlog.get_logger(__name__)
CANARY = re.compile("canary", re.IGNORECASE)
# Whoever signs out, hands the device over or is locked out of a form sees less afterwards.
ENDING = {"account_logout", "measures:hand-over", "account_change_password"}


class Flock:
    """Makes canaries, each another, and knows them all."""

    def __init__(self):
        self.all = []

    def new(self, kind):
        self.all.append(f"Canary-{len(self.all)}-of-a-{kind}")
        return self.all[-1]

    def address(self):
        return f"{self.new('mailbox')}@post.example"

    def over(self, form):
        """The form with another canary in each text of it."""
        return {name: self.new(name) if isinstance(value, str) else value for name, value in form.items()}


@pytest.fixture
def flock():
    return Flock()


@pytest.fixture
def written():
    """The lines as the processes write them, from INFO on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def leaks_in(written, world, flock) -> set[str]:
    """Canaries, people and secrets that the lines hold."""
    text = written.getvalue()
    people = [world.service.ada, world.service.sam, world.service.ruth, world.service.nils]
    secrets = [world.token, world.stop_token, PASSWORD, settings.SECRET_KEY, *NOTES.values()]
    known = [*flock.all, *secrets, *(person.email for person in people), *(person.name for person in people)]
    return {secret for secret in known if secret in text} | set(CANARY.findall(text))


def lines_of(written) -> list[dict]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def through_every_page(world, flock):
    """As somebody whose page it is: what is asked for, what a form takes and what it sends back with an error."""
    for route in sorted(route_names() - ENDING):
        who = "sam" if PAGES[route] in {Who.ADMINISTRATOR, Who.OVERSEER} else "ada"
        world.browser(who).get(address(world, route), {"q": flock.new("query"), "next": flock.new("address")})
        form = flock.over(content(world, route)) | {"note": flock.new("note")}
        world.browser(who).post(address(world, route), form)


def at_the_door(world, flock):
    nobody, sign_in = world.browser("nobody"), reverse("account_login")
    nobody.post(sign_in, {"login": flock.address(), "password": flock.new("password")})
    nobody.post(sign_in, {"login": world.service.ada.email, "password": flock.new("password")})
    nobody.post(sign_in, {"login": world.service.ada.email, "password": PASSWORD})
    nobody.get(f"/{flock.new('page')}/")
    nobody.get(reverse("measures:link", args=[flock.new("token")]))
    nobody.get(reverse("measures:stop", args=[flock.new("token")]))
    nobody.get(reverse("account_login"), headers={"host": flock.new("host")})
    nobody.get(reverse("account_login"), headers={"user-agent": flock.new("agent"), "referer": flock.new("referrer")})
    nobody.get(reverse("account_login"), headers={"x-request-id": flock.new("number")})
    nobody.generic(flock.new("method"), reverse("account_login"))
    nobody.get("/caf%C3%A9/" + flock.new("path") + "%00")
    strict = factories.Browser(enforce_csrf_checks=True, raise_request_exception=False)
    strict.post(sign_in, {"login": flock.address()}, headers={"origin": f"https://{flock.new('origin')}"})


def behind_a_link(world, flock):
    client = factories.Browser(raise_request_exception=False)
    client.get(reverse("measures:link", args=[world.token]))
    rate = address(world, "measures:rate")
    client.post(rate, {"submission": flock.new("submission"), "comment": flock.new("comment")})
    client.post(rate, {"submission": world.request.pk, "item-1": flock.new("answer"), "comment": flock.new("comment")})
    client.post(rate, {"submission": world.request.pk, "item-1": "5", "comment": flock.new("comment")})
    client.get(reverse("measures:stop", args=[world.stop_token]))


def as_a_program(world, flock):
    _token, text = factories.make_token(world.service.ada)
    program = factories.Program(text, raise_request_exception=False)
    for body in ({"code": flock.new("code"), "name": [flock.new("name")]}, [flock.new("list")]):
        program.send("/api/v1/clients", body)
    program.post("/api/v1/clients", f'{{"{flock.new("json")}', content_type="application/json")
    program.get("/api/v1/clients", {"search": flock.new("search")})
    factories.Program(flock.new("bearer"), raise_request_exception=False).get("/api/v1/clients")


def with_files(world, flock):
    rows = f"who,day\n{flock.new('row')},{flock.new('day')}\n".encode()
    for data in (rows, b"\xff\xfe" + rows, b"PK\x03\x04" + rows):
        file = SimpleUploadedFile(f"{flock.new('file')}.csv", data)
        world.browser("sam").post(reverse("reports:import-create"), {"file": file})


def through_faults(world, flock, monkeypatch):
    """Every page breaks with an error that quotes what came, in its message and in its local values."""

    def break_quoting(user, who):
        local = flock.new("local")
        try:
            raise KeyError(flock.new("cause"))
        except KeyError as error:
            raise ValueError(f"{local} {user} {flock.new('message')}") from error

    with monkeypatch.context() as patch:
        patch.setattr("accounts.middleware.may_open", break_quoting)
        for route in sorted(route_names() - {"health", "ready", "metrics"})[::5]:
            world.browser("ada").post(address(world, route), flock.over(content(world, route)))


def through_failing_jobs(world, flock):
    def quote(object_id):
        raise RuntimeError(flock.new("job"))

    def ask_the_database(object_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [flock.new("statement")])

    def log_it(object_id):
        logging.getLogger("another.package").warning("about %s", flock.new("argument"))
        logging.getLogger("another.package").warning(f"about {flock.new('text')}")
        logging.getLogger("another.package").warning("about", extra={"person": flock.new("extra")})
        log.warning("about somebody", person=flock.new("key"))

    for number, work in enumerate((quote, ask_the_database, log_it)):
        organisation = world.service.organisation.pk
        job = Job.objects.create(task=f"canary.{number}", object_id=uuid.uuid4(), organisation_id=organisation)
        Job.objects.filter(pk=job.pk).update(task="measures.compute_trends")
        jobs.run_job(job.pk, work)


def test_no_canary_of_all_flows_and_faults_is_in_the_log(world, flock, written, monkeypatch):
    through_every_page(world, flock)
    at_the_door(world, flock)
    behind_a_link(world, flock)
    as_a_program(world, flock)
    with_files(world, flock)
    through_faults(world, flock, monkeypatch)
    through_failing_jobs(world, flock)
    assert len(flock.all) >= 200
    assert leaks_in(written, world, flock) == set()
    lines = lines_of(written)
    assert {key for line in lines for key in line} <= settings.LOG_KEYS
    events = [line["event"] for line in lines]
    assert events.count("answered") > 200 and events.count("Internal Server Error") > 20
    assert events.count("job failed") == 2
    assert {"about %s", "text withheld", "about somebody"} <= set(events)


def test_the_lines_of_a_request_share_the_number_that_its_answer_carries(world, written, monkeypatch):
    monkeypatch.setattr("accounts.selectors.count_people", lambda *args, **kwargs: 1 / 0)
    answer = world.browser("sam").get(reverse("accounts:person-list"), headers={"x-request-id": "chosen-by-somebody"})
    found = [line for line in lines_of(written) if line["event"] in {"answered", "Internal Server Error"}]
    assert {line["request"] for line in found} == {answer["X-Request-ID"]} and len(found) == 2
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])
    (line,) = [line for line in found if line["event"] == "answered"]
    assert (line["route"], line["method"], line["status"]) == ("accounts:person-list", "GET", 500)
    assert line["milliseconds"] >= 0 and line["timestamp"].endswith("Z")


def test_the_lines_of_a_job_name_it(service, written):
    job = Job.objects.create(task="x", object_id=uuid.uuid4(), organisation_id=service.organisation.pk)
    jobs.run_job(job.pk, lambda object_id: logging.getLogger("another.package").warning("a note"))
    assert {line["job"] for line in lines_of(written)} == {str(job.pk)}


@pytest.mark.parametrize(
    "plant",
    [
        lambda text: log.warning(f"saved {text}"),
        lambda text: log.error("saved", error=text),
        lambda text: logging.getLogger("alliance_site.planted").warning("saved %s", text),
    ],
    ids=["text", "allowed key", "own logger of the standard library"],
)
def test_a_planted_leak_is_found(world, flock, written, plant):
    plant(flock.new("name"))
    assert leaks_in(written, world, flock) >= set(flock.all)
