"""Ids of others in what is sent: another service's, a colleague's, or one's own that belongs to another record.

Nothing here lists fields. What is sent to each page is sent once as it should be, and every form that reads it is asked
which of its fields take the id of a record; a new field is found in the same way. Each is then sent with ids of others,
and must be answered as an id that nobody has: the same status and words, the same tables written, the id in none.
"""

import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.db import connection, models, transaction
from django.urls import resolve, reverse
from rest_framework import serializers

from accounts.api import ApiView
from jobs.organisation import acting_in
from tests.access.test_api import BODIES, pages_of, program, routes
from tests.access.test_api import address as api_address
from tests.access.test_pages import answer_for, checksum, tables, written
from tests.access.world import World, address, content, make_world, route_names

pytestmark = pytest.mark.django_db

# Who sends: the first whom the table of the pages lets write there. A client's form is sent by whoever has the link.
WRITERS = ("ada", "sam", "ruth")
# Hidden keys that a browser makes up: the id of no record.
MADE_UP = {"submission"}
OURS = ("accounts", "administration", "clients", "dashboards", "measures", "reports", "ruptures", "sessions_app",
        "supervision")  # fmt: skip
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
VOLATILE = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]+"')
# Which record a field of this name means, where its form does not say.
NAMED = {"wording": "measures.Wording"}
# So many ids of each kind are tried in each field: of another service's as many as it has people.
TRIED, TRIED_OF_OTHERS = 2, 6


@dataclass(frozen=True)
class Field:
    """A field of a form at a route that takes the id of a record of a model, or such an argument of its address;
    `valid` are the ids that it takes."""

    route: str
    who: str
    name: str
    model: type[models.Model]
    valid: frozenset[str]
    in_address: bool = False


def writer(route: str) -> str | None:
    if route == "measures:rate":
        return "client"
    for who in WRITERS:
        if answer_for("POST", route, who) not in {"403", "404", "405", "in"}:
            return who
    return None


def send(world: World, route: str, who: str, data: dict[str, Any], to: str):
    browser = world.browser("nobody" if who == "client" else who)
    if who == "client":
        browser.cookies[f"rating-{world.request.pk.hex}"] = world.token
    return browser.post(to, data)


@contextmanager
def forms_made() -> Iterator[list[forms.BaseForm]]:
    """Every form that is made meanwhile and has been sent something."""
    made: list[forms.BaseForm] = []
    patch = pytest.MonkeyPatch()
    original = forms.BaseForm.__init__

    def init(form, *args, **kwargs):
        original(form, *args, **kwargs)
        made.append(form)

    patch.setattr(forms.BaseForm, "__init__", init)
    try:
        yield made
    finally:
        patch.undo()


@cache
def model_of(pk: str) -> type[models.Model] | None:
    """Whose id this is, of the test's own organisation."""
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            if isinstance(model._meta.pk, models.UUIDField) and model._base_manager.filter(pk=pk).exists():
                return model
    return None


def ids_taken(form: forms.BaseForm) -> Iterator[tuple[str, type[models.Model], frozenset[str]]]:
    """The fields of a form that take an id: their names as they are sent, of what, and which they would take."""
    for name, field in form.fields.items():
        if isinstance(field, forms.ModelChoiceField):
            yield form.add_prefix(name), field.queryset.model, frozenset(str(one.pk) for one in field.queryset)
        elif isinstance(field, forms.UUIDField) and name not in MADE_UP:
            yield form.add_prefix(name), apps.get_model(NAMED[name]), frozenset()
        elif hasattr(field, "choices"):
            ids = frozenset(str(value) for value, _label in field.choices if UUID.fullmatch(str(value)))
            if ids and (model := model_of(min(ids))):
                yield form.add_prefix(name), model, ids


@dataclass(frozen=True)
class Sent:
    """What is sent to a page as it should be: the answer, what it read ids from, and the classes of its forms."""

    status: int
    fields: frozenset[Field]
    forms: frozenset[type]


def sent(world: World, route: str) -> Sent:
    """The request itself is taken back."""
    who = writer(route)
    if who is None:
        return Sent(0, frozenset(), frozenset())
    with forms_made() as made, transaction.atomic():
        status = send(world, route, who, content(world, route), address(world, route)).status_code
        bound = [form for form in made if form.is_bound]
        found = frozenset(Field(route, who, *taken) for form in bound for taken in ids_taken(form))
        transaction.set_rollback(True)
    return Sent(status, found, frozenset(map(type, bound)))


def fields_of_address(world: World, route: str) -> list[Field]:
    """The records that an address names together, where there are several."""
    who, own = writer(route), resolve(address(world, route)).kwargs
    ids = {name: str(pk) for name, pk in own.items() if isinstance(pk, uuid.UUID)}
    if who is None or len(ids) < 2:
        return []
    return [Field(route, who, name, model_of(pk), frozenset({pk}), in_address=True) for name, pk in ids.items()]


def ids_of_others(world: World, field: Field) -> list[str]:
    """Another service's, those of colleagues, and the own ones that belong to another record than the address names."""
    rows = field.model._default_manager.order_by("pk")
    with acting_in(world.other.organisation.pk):
        foreign = [str(pk) for pk in rows.values_list("pk", flat=True)]
    other = [str(pk) for pk in rows.values_list("pk", flat=True) if str(pk) not in field.valid]
    with acting_in(world.service.organisation.pk):
        reader = world.service.ada if field.who == "client" else world.person(field.who)
        seen = {str(pk) for pk in visible(field.model, reader)}
    colleagues = [pk for pk in other if pk not in seen and pk not in foreign]
    own = [pk for pk in other if pk in seen and pk not in foreign] if not field.in_address else []
    return foreign[:TRIED_OF_OTHERS] + colleagues[:TRIED] + own[:TRIED]


def visible(model: type[models.Model], reader: Any) -> Any:
    rows = model._default_manager.all()
    rows = rows.visible_to(reader) if hasattr(rows, "visible_to") else rows.none()
    return rows.values_list("pk", flat=True)


def standing(ids: Collection[str]) -> list[tuple[str, int]]:
    """In how many rows of each table one of these stands, as far as the test's own organisation sees."""
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name} t WHERE t::text ~ %s" for name in tables()),
            ["|".join(ids)] * len(tables()),
        )
        return sorted(cursor.fetchall())


def answer(world: World, before: dict[str, str], field: Field, pk: str) -> tuple[Any, ...]:
    """What this id is answered, without whatever is another one each time; and where it stands afterwards."""
    with transaction.atomic():
        data, to = content(world, field.route), address(world, field.route)
        if field.in_address:
            to = reverse(field.route, kwargs=resolve(to).kwargs | {field.name: pk})
        else:
            data[field.name] = [pk] if isinstance(data.get(field.name), list) else pk
        response = send(world, field.route, field.who, data, to)
        changed = written(world, before)
        stands = standing([pk]) if changed else []
        transaction.set_rollback(True)
    told = VOLATILE.sub("", UUID.sub("an id", f"{response.headers.get('Location')} {response.content.decode()}"))
    return response.status_code, told, changed, bool(stands) and stands != standing([pk])


def field_differences(world: World, before: dict[str, str], field: Field, others: list[str]) -> list[str]:
    """Where an id of somebody else's is answered otherwise than one that nobody has, or anything is written of it."""
    nobodys = answer(world, before, field, str(uuid.uuid4()))
    found = []
    if nobodys[0] >= 400 and nobodys[2]:
        found.append(f"an id that nobody has was refused, and yet {', '.join(nobodys[2])} written")
    for pk in others:
        got = answer(world, before, field, pk)
        if got[3]:
            found.append(f"{pk} was taken: it stands in rows that it did not stand in before")
        elif got[0] != nobodys[0]:
            found.append(f"{pk} is answered {got[0]}, an id that nobody has {nobodys[0]}")
        elif got[1:3] != nobodys[1:3]:
            found.append(f"{pk} is answered in other words than an id that nobody has")
    return [f"{field.name} of {field.route} as {field.who}: {what}" for what in found]


@pytest.fixture
def world(service, other_service):
    model_of.cache_clear()
    world = make_world(service, other_service)
    for who in (*WRITERS, "nobody"):
        world.browser(who)
    return world


def all_subclasses(of: type) -> Iterator[type]:
    for one in of.__subclasses__():
        yield one
        yield from all_subclasses(one)


def test_every_field_that_takes_an_id_takes_none_of_somebody_elses(world):
    before, met, found, tried = checksum(world), set(), [], set()
    for route in sorted(route_names()):
        as_it_should_be = sent(world, route)
        met |= as_it_should_be.forms
        for field in sorted(as_it_should_be.fields, key=lambda one: one.name):
            others = ids_of_others(world, field)
            assert others, f"nobody else has a {field.model.__name__} for {field.name} of {field.route}"
            tried.add((route, field.name))
            found += field_differences(world, before, field, others)
    assert not found, "\n".join(found)
    # Fields that are declared and in no form that was sent would be missed.
    declared = {
        form
        for form in all_subclasses(forms.BaseForm)
        if form.__module__.split(".")[0] in OURS
        and any(
            isinstance(field, forms.ModelChoiceField | forms.UUIDField) and name not in MADE_UP
            for name, field in getattr(form, "base_fields", {}).items()
        )
    }
    asked_by_address = {"TrailForm"}  # What it asks for stands in the address, and changes nothing.
    missed = {form.__name__ for form in declared if not any(issubclass(one, form) for one in met)} - asked_by_address
    assert not missed
    assert len(tried) >= 15, tried


def everything_foreign(world: World) -> dict[str, str]:
    """By every name that a key has anywhere, the id of a record of the other service."""
    keys, pk_of = {}, {}
    with acting_in(world.other.organisation.pk):
        for label in OURS:
            for model in apps.get_app_config(label).get_models():
                pk_of[model] = model._base_manager.values_list("pk", flat=True).first()
    for model in pk_of:
        for field in model._meta.concrete_fields:
            if field.is_relation and pk_of.get(field.related_model):
                keys |= dict.fromkeys((field.name, field.attname), str(pk_of[field.related_model]))
    of = str(pk_of[apps.get_model("clients.Episode")])
    return keys | {"id": of, "pk": of, "organisation_id": str(world.other.organisation.pk)}


def left_behind(
    world: World, before: dict[str, str], foreign: Collection[str], stood: list[tuple[str, int]]
) -> list[str]:
    other = f"{world.other.organisation.slug}: "
    found = [f"wrote to {name}" for name in written(world, before) if name.startswith(other)]
    return found + [f"a foreign id stands in {name}" for name, _count in set(standing(foreign)) - set(stood)]


# What is typed is kept as it is, until a form has read it.
AS_TYPED = {"sessions_app:log-draft": "a foreign id stands in sessions_app_logdraft"}


def test_keys_that_no_form_asks_for_are_not_read(world):
    """With a foreign id under every name that any key has, a form is answered as without, and none is kept."""
    before, foreign, found = checksum(world), everything_foreign(world), []
    stood = standing(set(foreign.values()))
    for route in sorted(route_names()):
        who, as_it_should_be = writer(route), sent(world, route)
        if who is None:
            continue
        data = content(world, route)
        asked = data.keys() | {field.name for field in as_it_should_be.fields}
        more = {name: pk for name, pk in foreign.items() if name not in asked}
        with transaction.atomic():
            status = send(world, route, who, data | more, address(world, route)).status_code
            what = left_behind(world, before, set(foreign.values()), stood)
            transaction.set_rollback(True)
        if status != as_it_should_be.status:
            what.append(f"is answered {status}, without them {as_it_should_be.status}")
        found += [f"{route} as {who}: {one}" for one in what if one != AS_TYPED.get(route)]
    assert not found, "\n".join(found)


def test_addresses_that_name_several_records_hold_them_together(world):
    """Each in turn is exchanged for somebody else's: answered as one that nobody has."""
    before, found, tried = checksum(world), [], 0
    for field in (field for route in sorted(route_names()) for field in fields_of_address(world, route)):
        others = ids_of_others(world, field)
        tried += len(others)
        found += field_differences(world, before, field, others)
    assert not found, "\n".join(found)
    assert tried >= 4


# --- The API ---------------------------------------------------------------------------------------------


def serializer_fields(serializer: type[serializers.BaseSerializer]) -> list[str]:
    """The writable fields of a serializer that take an id."""
    takes = serializers.UUIDField | serializers.RelatedField | serializers.ManyRelatedField
    found = getattr(serializer(), "fields", {})
    return [name for name, field in found.items() if isinstance(field, takes) and not field.read_only]


def test_what_a_list_is_narrowed_by_finds_nothing_of_somebody_elses(world):
    asking, tried = program(world, "ada"), 0
    for route in routes():
        if not route.endswith("-list"):
            continue
        view = resolve(api_address(world, route)).func.view_class
        for name in serializer_fields(view.query_serializer):
            model = next(model for model in map(apps.get_model, NARROWED) if model._meta.model_name.endswith(name))
            field = Field(route, "ada", name, model, frozenset(str(pk) for pk in visible(model, world.service.ada)))
            others = ids_of_others(world, field)
            assert len(others) >= 2
            for pk in (str(uuid.uuid4()), *others):
                found = asking.get(api_address(world, route), {name: pk})
                assert (found.status_code, found.json()["results"]) == (200, []), (route, name, pk)
                tried += 1
    assert tried > 20


NARROWED = ("clients.Client", "clients.Episode", "sessions_app.TherapySession")


def test_bodies_that_programs_send_have_no_key_for_a_record(world, monkeypatch):
    """Of which record something is said stands in the address alone. A body with foreign ids under every name is read
    as without them; one day that a serializer takes an id, this test asks for what the one of forms asks for."""
    read = []
    original = ApiView.body
    monkeypatch.setattr(ApiView, "body", lambda view, serializer: read.append(serializer) or original(view, serializer))
    asking, foreign = program(world, "ada"), everything_foreign(world)
    before, stood = checksum(world), standing(set(foreign.values()))
    for route in (route for route in routes() if "POST" in pages_of(route)):
        answers = []
        for body in (BODIES[route], BODIES[route] | {k: v for k, v in foreign.items() if k not in BODIES[route]}):
            with transaction.atomic():
                answers.append(asking.send(api_address(world, route), body).status_code)
                left = left_behind(world, before, set(foreign.values()), stood)
                transaction.set_rollback(True)
            assert not left, (route, left)
        assert answers == [201, 201], route
    assert {serializer: serializer_fields(serializer) for serializer in read} == {one: [] for one in read}
    assert len(set(read)) == len(BODIES)
