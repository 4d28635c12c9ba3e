"""A hundred faults of authorisation, to find out whether the access tables would notice them.

How they were chosen: ten from each of ten parts of the product, pages and API. Each is a mistake that somebody could
make in one place and not see: a list that is not narrowed, a check left out of one view, a row of the page table that
is forgotten or too wide, a time that is not looked at, a role taken for another, a link or token that is believed, a
service that is not asked for. No two make the same mistake in the same place. Where the same question is asked twice,
one after the other, forgetting one changes nothing that anybody could see: the place is then one where it is asked
alone, or both are forgotten.

`near` is what is asked first: one request of the tables of this folder.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.shortcuts import get_object_or_404

from accounts import access
from accounts.access import PAGES, Who
from accounts.models import ApiToken, Cover, Organisation, Supervision, User
from clients import states
from clients.models import Client, Episode, Goal
from dashboards import figures
from dashboards.selectors.caseload import placed_in
from dashboards.selectors.episode import components_of, episode_state, value_range
from jobs.actions import organisation_of
from jobs.models import Route
from jobs.organisation import set_organisation
from measures.api import NewLinkSerializer
from measures.comments import Comment
from measures.models import Rating, RatingRequest
from reports.models import Erasure, Export
from ruptures.forms import RuptureForm
from ruptures.models import Signal
from sessions_app.models import ConditionsRater, LogDraft, TherapySession
from supervision.forms import owner_field

Seed = Callable[[pytest.MonkeyPatch], Any]


@dataclass(frozen=True)
class Near:
    """A row and a column of one of the tables of this folder."""

    table: str
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    part: str
    name: str
    near: Near
    seed: Seed


def page(who: str, method: str, route: str) -> Near:
    return Near("pages", (method, route, who))


def program(who: str, method: str, route: str) -> Near:
    return Near("API", (method, route, who))


def token(kind: str, method: str, route: str) -> Near:
    return Near("tokens", (method, route, kind))


def link(kind: str, method: str, route: str) -> Near:
    return Near("links", (method, route, kind))


def body(route: str, field: str) -> Near:
    return Near("bodies", (route, field))


# --- What can go wrong ---------------------------------------------------------------------------------------


def put(target: str, value: Any) -> Seed:
    """Something else in the place of what is there."""
    return lambda patch: patch.setattr(target, value)


def together(*seeds: Seed) -> Seed:
    return lambda patch: [seed(patch) for seed in seeds]


def unasked(target: str) -> Seed:
    """A check that is left out."""
    return put(target, lambda *_args, **_kwargs: None)


def not_narrowed(target: str) -> Seed:
    """A `visible_to` that gives all rows."""
    return put(target, lambda rows, *_args: rows)


def opened(route: str, who: Who) -> Seed:
    """A row of the page table that is too wide."""
    return lambda patch: patch.setitem(PAGES, route, who)


def without_organisation(target: str) -> Seed:
    """A function whose author forgot to narrow by organisation."""
    original, narrow = pkgutil.resolve_name(target), QuerySet.filter

    def forgets(rows: Any, *conditions: Any, **values: Any) -> Any:
        kept = {name: value for name, value in values.items() if name not in {"organisation", "organisation_id"}}
        return narrow(rows, *conditions, **kept)

    def forgetful(*args: Any, **kwargs: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(QuerySet, "filter", forgets)
            return original(*args, **kwargs)

    return put(target, forgetful)


def any_of(model: Any, *related: str) -> Callable[[Any, Any], Any]:
    """Looks a record up by its id alone, whoever asks."""
    return lambda _asking, pk: model.objects.select_related(*related).filter(pk=pk).first()


def episode_by_id(asking: Any, pk: Any) -> Episode:
    """Any episode, as a page would look for one that may be read."""
    user = getattr(asking, "user", asking)
    related = ("client", "therapist", "series", "continued_by__therapist")
    found = get_object_or_404(Episode.objects.select_related(*related), pk=pk)
    found.organisation = user.organisation
    return found


def all_of(model: Any, *related: str) -> Callable[..., Any]:
    return lambda *_args, **_kwargs: model.objects.select_related(*related)


# Bound here, so that a fault can still ask what it stands in for.
may_open = access.may_open


def as_if_active(user: Any, who: Who) -> bool:
    user.is_active = True
    return may_open(user, who)


def signed_in_is_enough(user: Any, who: Who) -> bool:
    return who is Who.ANYONE or isinstance(user, User)


def supervised_by_others(user: User) -> Any:
    theirs = Q(pk__in=Supervision.objects.current().filter(supervisor=user).values("therapist"))
    return User.objects.filter(Q(pk__in=[]) if user.is_supervisor else theirs)


def goals_of_all(_episode: Episode, **_options: Any) -> list[Goal]:
    return list(Goal.objects.filter(status=states.OPEN_GOAL))


def unmarked_too(notes: Any, user: User) -> Any:
    return notes.filter(Q(author=user) | Q(author__in=access.supervised_by(user)))


def of_the_covered(notes: Any, user: User) -> Any:
    return notes.filter(author__in=access.writing_for(user))


def any_supervisor_rates(user: User, episode: Episode) -> ConditionsRater | None:
    if access.may_write(user, episode.responsible_id):
        return ConditionsRater.THERAPIST
    return ConditionsRater.SUPERVISOR if user.is_supervisor else None


def whoever_writes(user: User, episode: Episode) -> bool:
    return access.may_write(user, episode.responsible_id)


def not_withdrawn_too(requests: Any) -> Any:
    return requests.filter(redeemed_at=None, expires_at__gt=Now())


def whatever_the_day(requests: Any) -> Any:
    return requests.filter(redeemed_at=None, revoked_at=None)


def used_by_anybody(token: str, request_id: Any) -> Any:
    set_organisation(organisation_of(kind=Route.Kind.LINK, value=token))
    found = RatingRequest.objects.filter(pk=request_id, redeemed_at__isnull=False)
    return found.select_related("organisation", "session__episode__therapist").first()


def told_to_all(_user: User, rating: Rating) -> Comment | None:
    return Comment(rating, rating.comment, False, getattr(rating, "follow_up", None)) if rating.has_comment else None


def figure_of_any(view: Any, request: Any, episode_id: Any) -> Any:
    state = episode_state(Episode.objects.select_related("client", "therapist", "series").get(pk=episode_id))
    return view.answer(
        request,
        figures.alliance_figure(
            components_of(state, "client"), value_range=value_range(state.alliance), missed=[], axis=state.axis
        ),
    )


def everybodys_ids(_user: User) -> set[Any]:
    return set(User.objects.values_list("pk", flat=True))


def everybody_owns(meeting: Any) -> Any:
    field = owner_field(meeting)
    people = {str(person.pk): person for person in User.objects.all()}
    field.choices = [(pk, person.name) for pk, person in people.items()]
    field.coerce = people.__getitem__
    return field


def as_the_therapist(user: User, episode_id: Any) -> Any:
    found = Episode.objects.visible_to(user).filter(pk=episode_id)
    return found.select_related("client", "therapist", "series", "organisation").first()


def any_program(permission: Any, request: Any, view: Any) -> bool:
    return isinstance(request.auth, ApiToken)


def to_the_first(*, kind: str, value: str) -> Any:
    return Route.objects.filter(kind=kind).order_by("pk").values_list("organisation_id", flat=True).first()


# --- The list --------------------------------------------------------------------------------------------------

ACCOUNTS = [
    (
        "everybody reads the list of people",
        page("tom", "GET", "accounts:person-list"),
        opened("accounts:person-list", Who.SIGNED_IN),
    ),
    (
        "who has left goes on with the session they have",
        page("left", "GET", "account"),
        together(
            put("accounts.backends.OrganisationBackend.user_can_authenticate", lambda backend, user: True),
            put("accounts.middleware.may_open", as_if_active),
        ),
    ),
    (
        "an administrator edits the people of every service",
        page("elsewhere's sam", "GET", "accounts:person-edit"),
        without_organisation("accounts.selectors.people"),
    ),
    (
        "a token to take back is looked for among everybody's",
        page("tom", "POST", "accounts:token-revoke"),
        put("accounts.selectors.tokens_of", all_of(ApiToken)),
    ),
    (
        "a session to end is looked for among everybody's",
        page("tom", "POST", "accounts:session-end"),
        put("accounts.views_of_sign_in.sessions_of", all_of(UserSession)),
    ),
    (
        "a cover to end is looked for among everybody's",
        page("tom", "POST", "accounts:cover-end"),
        put("accounts.selectors.covers_for", all_of(Cover, "therapist", "cover", "organisation")),
    ),
    (
        "a cover never ends",
        page("tom", "GET", "dashboards:episode"),
        put("accounts.models.CoverQuerySet.current", lambda rows, today: rows.filter(ended_at=None)),
    ),
    (
        "a cover works before its first day",
        page("tom", "GET", "sessions_app:session"),
        put("accounts.models.CoverQuerySet.in_force", lambda rows, today: rows.current(today)),
    ),
    (
        "a cover that was taken back still works",
        page("tom", "GET", "clients:agreements"),
        put("accounts.models.CoverQuerySet.current", lambda rows, today: rows.filter(ends_on__gte=today)),
    ),
    (
        "who did supervise somebody goes on reading",
        page("otto", "GET", "dashboards:episode"),
        put("accounts.models.SupervisionQuerySet.current", lambda rows: rows),
    ),
]
ADMINISTRATION = [
    (
        "everybody reads the overview of administrators",
        page("tom", "GET", "administration:overview"),
        opened("administration:overview", Who.SIGNED_IN),
    ),
    (
        "supervisors write the texts of the service",
        page("ruth", "POST", "administration:texts"),
        opened("administration:texts", Who.OVERSEER),
    ),
    (
        "to be signed in is enough for every page",
        page("sam", "GET", "clients:client-list"),
        put("accounts.middleware.may_open", signed_in_is_enough),
    ),
    (
        "a row of the page table is forgotten",
        page("sam", "GET", "administration:job-list"),
        lambda patch: patch.delitem(PAGES, "administration:job-list"),
    ),
    (
        "an administrator ends the supervisions of every service",
        page("elsewhere's sam", "POST", "accounts:supervision-end"),
        without_organisation("accounts.selectors.supervisions"),
    ),
    (
        "an administrator ends the covers of every service",
        page("elsewhere's sam", "POST", "accounts:person-cover-end"),
        without_organisation("accounts.selectors.covers"),
    ),
    (
        "work that was given up is tried again for every service",
        page("elsewhere's sam", "POST", "administration:job-retry"),
        without_organisation("jobs.actions.ask_again"),
    ),
    (
        "work that was given up is put away for every service",
        page("elsewhere's sam", "POST", "administration:job-put-away"),
        without_organisation("jobs.actions.forget_given_up"),
    ),
    (
        "the list of background work is every service's",
        page("elsewhere's sam", "GET", "administration:job-list"),
        without_organisation("jobs.selectors.standing"),
    ),
    (
        "what a service sets is that of the first one",
        page("elsewhere's sam", "GET", "accounts:organisation-edit"),
        put("accounts.selectors.organisation_by_id", lambda pk: Organisation.objects.order_by("created_at").first()),
    ),
]
CLIENTS = [
    (
        "every episode may be read",
        page("tom", "GET", "clients:engagement"),
        not_narrowed("clients.models.episodes.EpisodeQuerySet.visible_to"),
    ),
    (
        "every client may be seen",
        page("tom", "GET", "clients:client-edit"),
        not_narrowed("clients.models.episodes.ClientQuerySet.visible_to"),
    ),
    (
        "the list of clients is everybody's",
        page("tom", "GET", "clients:client-list"),
        not_narrowed("clients.models.episodes.EpisodeQuerySet.listed_for"),
    ),
    (
        "every goal and task may be read",
        page("tom", "GET", "clients:goal-edit"),
        not_narrowed("clients.models.agreements.OfEpisodeQuerySet.visible_to"),
    ),
    (
        "who reads along writes goals, too",
        page("vera", "GET", "clients:goal-create"),
        unasked("clients.views.parts.check_own"),
    ),
    (
        "who reads along ends an episode",
        page("vera", "GET", "clients:episode-end"),
        unasked("clients.views.episodes.check_own"),
    ),
    (
        "who covers takes a client on",
        page("cover", "GET", "clients:episode-create"),
        unasked("clients.actions.check_own_client"),
    ),
    (
        "supervisors hand the clients of others over",
        page("ruth", "GET", "clients:person-episodes"),
        opened("clients:person-episodes", Who.CLINICIAN),
    ),
    (
        "a former therapist keeps writing",
        page("former", "GET", "sessions_app:session-edit@handed-over"),
        put("clients.models.episodes.Episode.responsible_id", property(lambda episode: episode.therapist_id)),
    ),
    (
        "a task may be for the goal of anybody",
        body("clients:task-create", "goal"),
        put("clients.selectors.open_goals", goals_of_all),
    ),
]
SESSIONS = [
    (
        "every session may be read",
        page("tom", "GET", "sessions_app:session"),
        not_narrowed("sessions_app.models.TherapySessionQuerySet.visible_to"),
    ),
    (
        "the author of a process note is not asked for",
        page("ruth", "GET", "sessions_app:process-notes"),
        not_narrowed("sessions_app.models.ProcessNoteQuerySet.visible_to"),
    ),
    (
        "a supervisor reads process notes that are not marked for them",
        page("ruth", "GET", "sessions_app:process-notes"),
        put("sessions_app.models.ProcessNoteQuerySet.visible_to", unmarked_too),
    ),
    (
        "who covers reads the process notes of the therapist",
        page("cover", "GET", "sessions_app:process-notes"),
        put("sessions_app.models.ProcessNoteQuerySet.visible_to", of_the_covered),
    ),
    (
        "who reads a process note changes it",
        page("vera", "GET", "sessions_app:process-note-edit@shared"),
        unasked("sessions_app.actions.process_notes.check_author"),
    ),
    (
        "who covers writes process notes",
        page("cover", "GET", "sessions_app:process-note-create"),
        put("sessions_app.actions.process_notes.may_write_about", whoever_writes),
    ),
    (
        "who reads along logs sessions",
        page("vera", "GET", "sessions_app:session-log"),
        unasked("sessions_app.views.log.check_own"),
    ),
    (
        "the page of process notes opens for any episode",
        page("tom", "GET", "sessions_app:process-notes"),
        put("sessions_app.selectors.episode_with_notes", any_of(Episode, "client", "therapist")),
    ),
    (
        "a log that somebody began is shown to the next",
        page("cover", "GET", "sessions_app:session-log"),
        put(
            "sessions_app.selectors.draft_of",
            lambda user, episode: LogDraft.objects.filter(episode=episode).order_by("saved_at", "pk").first(),
        ),
    ),
    (
        "a supervisor rates sessions of before the hand-over",
        page("ruth", "GET", "sessions_app:core-conditions@handed-over"),
        put("sessions_app.actions.conditions_rater", any_supervisor_rates),
    ),
]
MEASURES = [
    (
        "an administrator withdraws the words of another service",
        page("elsewhere's sam", "POST", "measures:wording-end"),
        without_organisation("measures.wordings.wording_of"),
    ),
    (
        "every answer about harm may be read",
        page("tom", "GET", "measures:risk-answer"),
        not_narrowed("measures.models.risk.RiskAnswerQuerySet.visible_to"),
    ),
    (
        "a supervisor acknowledges an answer about harm before it is passed on",
        page("ruth", "POST", "measures:risk-answer"),
        put("measures.models.risk.is_to_act_on", lambda user: Q()),
    ),
    (
        "a client's wish not to raise a comment is not obeyed",
        page("ruth", "GET", "dashboards:timeline"),
        put("measures.comments.comment_for", told_to_all),
    ),
    (
        "a client's rating is shown before the therapist's own is saved",
        page("ada", "GET", "dashboards:episode"),
        put("measures.models.is_unsealed", lambda path="": Q()),
    ),
    (
        "who reads along shows the client's rating",
        page("vera", "POST", "measures:rating-show"),
        unasked("measures.actions.check_own"),
    ),
    (
        "a link that was withdrawn still opens",
        link("withdrawn", "GET", "measures:link"),
        put("measures.selectors.still_open", not_withdrawn_too),
    ),
    (
        "a link never expires",
        link("expired", "GET", "measures:rate"),
        put("measures.selectors.still_open", whatever_the_day),
    ),
    (
        "thanks for a rating are said to whoever has some link",
        link("stolen", "GET", "measures:thanks"),
        put("measures.selectors.used_request", used_by_anybody),
    ),
    (
        "the part that renews risk answers finds any episode",
        page("tom", "GET", "measures:risk-of-episode"),
        put("measures.views.risk.episodes", all_of(Episode)),
    ),
]
RUPTURES = [
    (
        "every signal may be answered for",
        page("tom", "POST", "ruptures:signal-confirm"),
        not_narrowed("ruptures.models.SignalQuerySet.visible_to"),
    ),
    (
        "every rupture may be read",
        page("tom", "GET", "ruptures:rupture"),
        not_narrowed("ruptures.models.RuptureQuerySet.visible_to"),
    ),
    (
        "every repair attempt may be found",
        page("tom", "GET", "ruptures:attempt-edit"),
        not_narrowed("ruptures.models.RepairAttemptQuerySet.visible_to"),
    ),
    (
        "who reads along changes what is said of a rupture",
        page("vera", "GET", "ruptures:rupture-edit"),
        unasked("ruptures.views.check_own"),
    ),
    (
        "who reads along dismisses a signal",
        page("vera", "POST", "ruptures:signal-dismiss"),
        unasked("ruptures.actions.check_own"),
    ),
    (
        "a rupture is noted in any episode",
        page("tom", "GET", "ruptures:rupture-create"),
        put("ruptures.views.episodes", all_of(Episode, "client", "therapist")),
    ),
    (
        "a rupture is noted in the session of anybody",
        body("ruptures:rupture-create", "session"),
        put(
            "ruptures.views.RuptureForm",
            lambda *args, sessions, **more: RuptureForm(*args, sessions=TherapySession.objects.all(), **more),
        ),
    ),
    (
        "something was tried in the session of anybody",
        body("ruptures:attempt-create", "session"),
        put("ruptures.selectors.sessions_for_attempts", all_of(TherapySession)),
    ),
    (
        "the state of trends is every service's",
        page("elsewhere's sam", "GET", "ruptures:trends"),
        without_organisation("ruptures.selectors.trend_state"),
    ),
    (
        "everybody has all trends computed again",
        page("tom", "POST", "ruptures:recompute"),
        opened("ruptures:recompute", Who.SIGNED_IN),
    ),
]
DASHBOARDS = [
    (
        "the page before a session finds any episode",
        page("tom", "GET", "dashboards:before-session"),
        put("dashboards.views.episode_of", episode_by_id),
    ),
    (
        "the chart behind a page finds any episode",
        page("tom", "GET", "dashboards:episode-figure"),
        put("dashboards.views.EpisodeFigure.get", figure_of_any),
    ),
    (
        "a supervisor's caseload is the whole service",
        page("otto", "GET", "dashboards:caseload"),
        put("dashboards.selectors.caseload.supervised_ids", everybodys_ids),
    ),
    (
        "a therapist's caseload is the whole service",
        page("tom", "GET", "dashboards:caseload-csv"),
        put("dashboards.selectors.caseload.writes_for", everybodys_ids),
    ),
    (
        "the order of need is worked out of all episodes",
        page("otto", "GET", "dashboards:caseload-csv"),
        put("dashboards.selectors.caseload.placed_in", lambda episodes, *, of: placed_in(Episode.objects.all(), of=of)),
    ),
    (
        "a role is asked for the wrong way round",
        page("ruth", "GET", "dashboards:episode"),
        put("accounts.access.supervised_by", supervised_by_others),
    ),
    (
        "everybody has the service's figures worked out",
        page("nils", "POST", "dashboards:service-work-out"),
        opened("dashboards:service-work-out", Who.SIGNED_IN),
    ),
    (
        "who reads along looks at the chart together with the client",
        page("vera", "GET", "dashboards:together"),
        unasked("dashboards.views.check_own"),
    ),
    (
        "the report as PDF finds any episode",
        page("tom", "GET", "dashboards:client-report"),
        put("dashboards.views.printed.visible_episode", episode_by_id),
    ),
    (
        "the part that renews an episode is nobody's page in particular",
        page("sam", "GET", "dashboards:episode-change"),
        opened("dashboards:episode-change", Who.SIGNED_IN),
    ),
]
SUPERVISION = [
    (
        "every meeting may be read",
        page("vera", "GET", "supervision:meeting"),
        not_narrowed("supervision.models.MeetingQuerySet.visible_to"),
    ),
    (
        "every supervisor holds every meeting",
        page("otto", "POST", "supervision:meeting-notes"),
        together(
            not_narrowed("supervision.models.MeetingQuerySet.visible_to"), unasked("supervision.actions.check_holds")
        ),
    ),
    (
        "every line of an agenda may be read",
        page("vera", "GET", "supervision:item"),
        not_narrowed("supervision.models.AgendaItemQuerySet.visible_to"),
    ),
    (
        "every learning target may be read",
        page("otto", "GET", "supervision:target-edit"),
        not_narrowed("supervision.models.LearningTargetQuerySet.visible_to"),
    ),
    (
        "the page of a therapist's supervision opens for anybody",
        page("tom", "GET", "supervision:therapist"),
        put("supervision.selectors.person_in_supervision", any_of(User)),
    ),
    (
        "who covers is taken for the therapist in supervision",
        page("cover", "GET", "supervision:pack"),
        put("supervision.selectors.episode_in_supervision", as_the_therapist),
    ),
    (
        "notes that a supervisor keeps are shown to the therapist",
        page("ada", "GET", "supervision:meeting@unshared"),
        put("supervision.models.Meeting.notes_for", lambda meeting, user: meeting.notes),
    ),
    (
        "a next step is given to anybody",
        body("supervision:step-create", "owner"),
        put("supervision.forms.owner_field", everybody_owns),
    ),
    (
        "a meeting talks about any episode",
        body("supervision:discuss", "episode_id"),
        put(
            "supervision.views.meetings.visible_episode",
            episode_by_id,
        ),
    ),
    (
        "a supervision pack is made of any episode",
        page("tom", "GET", "supervision:pack-report"),
        put("supervision.views.pages.visible_episode", episode_by_id),
    ),
]
REPORTS = [
    (
        "a file is handed to whoever asks for it",
        page("tom", "GET", "reports:export-file"),
        put(
            "reports.exports.selectors.exports",
            lambda user: Export.objects.select_related("created_by", "client").order_by("-created_at"),
        ),
    ),
    (
        "a therapist's file holds the whole service",
        page("vera", "POST", "reports:export-list"),
        put(
            "reports.exports.actions.episodes_of",
            lambda export: Episode.objects.filter(organisation_id=export.organisation_id).order_by("pk"),
        ),
    ),
    (
        "an administrator opens the imports of every service",
        page("elsewhere's sam", "GET", "reports:import"),
        without_organisation("reports.selectors.imports"),
    ),
    (
        "supervisors bring files into the record",
        page("ruth", "GET", "reports:import-create"),
        opened("reports:import-create", Who.CLINICIAN),
    ),
    (
        "an erasure is shown to therapists who did not ask for it",
        page("tom", "GET", "reports:erasure"),
        put(
            "reports.privacy.selectors.erasures",
            lambda user: Erasure.objects.filter(organisation_id=user.organisation_id).select_related(
                "client", "requested_by", "decided_by"
            ),
        ),
    ),
    (
        "an administrator carries out the erasures of every service",
        page("elsewhere's sam", "POST", "reports:erasure-carry-out"),
        without_organisation("reports.privacy.selectors.erasures"),
    ),
    (
        "who covers hands out all that is held about a client",
        page("cover", "GET", "reports:client-data"),
        unasked("reports.privacy.erasure.check_responsible"),
    ),
    (
        "everybody takes the audit trail out",
        page("tom", "GET", "reports:audit-csv"),
        opened("reports:audit-csv", Who.SIGNED_IN),
    ),
    (
        "the audit trail is every service's",
        page("elsewhere's sam", "GET", "reports:audit"),
        without_organisation("reports.trail.events"),
    ),
    (
        "an import is written for a therapist of another service",
        body("reports:import-columns", "therapist"),
        without_organisation("accounts.selectors.therapists"),
    ),
]
API = [
    (
        "a token is not asked for its person's role",
        program("sam", "GET", "client-list"),
        put("accounts.api.AsThePage.has_permission", any_program),
    ),
    (
        "a token that may only read writes",
        token("read", "POST", "session-log"),
        put("accounts.models.ApiToken.can_write", True),
    ),
    (
        "a token never expires",
        token("expired", "GET", "episode"),
        put(
            "accounts.models.ApiTokenQuerySet.usable", lambda rows: rows.filter(revoked_at=None, person__is_active=True)
        ),
    ),
    (
        "a token that was taken back still works",
        token("revoked", "GET", "session-list"),
        put(
            "accounts.models.ApiTokenQuerySet.usable",
            lambda rows: rows.filter(expires_at__gt=Now(), person__is_active=True),
        ),
    ),
    (
        "a token works on when its person has left",
        program("left", "GET", "client-list"),
        put("accounts.models.ApiTokenQuerySet.usable", lambda rows: rows.filter(expires_at__gt=Now(), revoked_at=None)),
    ),
    (
        "a program lists every client",
        program("tom", "GET", "client-list"),
        put("clients.api.ClientList.rows", all_of(Client)),
    ),
    (
        "a program lists every signal",
        program("tom", "GET", "signal-list"),
        put("ruptures.api.SignalList.rows", all_of(Signal, "session__episode__client")),
    ),
    (
        "a program lists ratings that wait for the therapist's own",
        program("ada", "GET", "rating-list"),
        put(
            "measures.selectors.own_ratings",
            lambda user: Rating.objects.visible_to(user).select_related("session__episode").prefetch_related("scores"),
        ),
    ),
    (
        "a program reads the client's link itself",
        program("ruth", "GET", "rating-request"),
        put("measures.api.RatingRequestDetail.serializer_class", NewLinkSerializer),
    ),
    (
        "every token leads to the first service",
        program("elsewhere's ada", "GET", "episode-list"),
        put("jobs.actions.organisation_of", to_the_first),
    ),
]
PARTS = {
    "accounts": ACCOUNTS,
    "administration": ADMINISTRATION,
    "clients": CLIENTS,
    "sessions_app": SESSIONS,
    "measures": MEASURES,
    "ruptures": RUPTURES,
    "dashboards": DASHBOARDS,
    "supervision": SUPERVISION,
    "reports": REPORTS,
    "API": API,
}
FAULTS = [Fault(part, *fault) for part, faults in PARTS.items() for fault in faults]
