"""The overview of administrators: a card per area, each with its state in one line and with what needs somebody.

An area is a function of the user in AREAS; to add one, write it and append it. Each asks the database a fixed number of
times, whatever the size of the service.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format

from accounts.mail import what_is_missing
from accounts.models import EMERGENCY_TEXT, AuditCheck, AuditSeal, Cover, Supervision, User
from clients.models import Episode
from dashboards.selectors.service import run_state
from jobs import selectors as jobs
from measures import catalogue, schedule
from measures.models import EpisodeSeries
from measures.statistics.rates import RATES
from reports.models import Erasure, Export, ImportBatch
from ruptures.detection import PRESETS
from ruptures.selectors import priors_now


@dataclass(frozen=True)
class Area:
    """`state` is one line in figures; `attention` what somebody should do about it, if anything. `also` are further
    pages of the area: their labels with their routes."""

    title: str
    route: str
    state: str
    attention: str = ""
    also: tuple[tuple[str, str], ...] = ()


def counted(number: int, one: str, many: str = "") -> str:
    """1 person / 12 people"""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def day(moment: object) -> str:
    return date_format(timezone.localtime(moment), "j F Y")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Staff:
    """How many people there are: `left` have open episodes that they may not go on with; of `therapists`, who may sign
    in, so many have a supervisor who may, and so many are covered today. `supervisions` are all that are in force."""

    active: int
    inactive: int
    therapists: int
    supervisors: int
    left: int
    supervised: int
    covered: int
    supervisions: int

    @property
    def begun(self) -> dict[str, bool]:
        """For the first steps."""
        return {"has_therapists": self.therapists > 0, "has_supervision": self.supervisions > 0}


def staff(user: User) -> Staff:
    of_theirs = Episode.objects.filter(therapist=OuterRef("pk"), ended_on=None)
    supervision = Supervision.objects.current().filter(therapist=OuterRef("pk"))
    has_one = supervision.filter(supervisor__is_active=True, supervisor__is_supervisor=True)
    in_force = Cover.objects.in_force(user.organisation.today).filter(therapist=OuterRef("pk"))
    therapist = Q(is_active=True, is_therapist=True)
    counts = {
        "active": Q(is_active=True),
        "inactive": Q(is_active=False),
        "therapists": therapist,
        "supervisors": Q(is_active=True, is_supervisor=True),
        "left": ~therapist & Q(Exists(of_theirs)),
        "supervised": therapist & Q(Exists(has_one)),
        "covered": therapist & Q(Exists(in_force)),
        "supervisions": Q(Exists(supervision)),
    }
    everybody = User.objects.filter(organisation_id=user.organisation_id)
    return Staff(**everybody.aggregate(**{name: Count("pk", filter=of) for name, of in counts.items()}))


def people(n: Staff) -> Area:
    parts = [
        counted(n.active, "person", "people"),
        counted(n.therapists, "therapist"),
        counted(n.supervisors, "supervisor"),
    ]
    if n.inactive:
        parts.append(f"{n.inactive} more may not sign in")
    left = counted(n.left, "person", "people")
    attention = f"{left} with open episodes and without the right to go on: hand over." if n.left else ""
    return Area("People and roles", "accounts:person-list", ", ".join(parts), attention)


def supervision(n: Staff) -> Area:
    state = f"{n.supervised} of {counted(n.therapists, 'therapist')} supervised, {n.covered} covered today"
    alone = counted(n.therapists - n.supervised, "therapist")
    attention = f"{alone} without a supervisor: nobody reads along, and risk answers cannot be passed on."
    return Area(
        "Supervision and cover",
        "accounts:supervision-list",
        state,
        attention if n.supervised < n.therapists else "",
    )


def instruments(user: User) -> Area:
    every = catalogue.every()
    on = catalogue.those_on(every)
    battery = schedule.battery()
    asked = {entry.instrument for entry in battery}
    state = f"{len(on)} of {counted(len(every), 'instrument')} on, {len(asked & set(on))} in the battery"
    off = [every[code].name for code in sorted(asked - set(on)) if code in every]
    attention = "Nothing is rated: the battery is empty." if not battery else ""
    if off:
        attention = f"In the battery and off, so not asked: {', '.join(off)}."
    return Area(
        "Instruments and batteries",
        "measures:instrument-list",
        state,
        attention,
        also=(("What is rated when", "measures:battery"),),
    )


def texts(user: User) -> Area:
    organisation = user.organisation
    own = [
        name
        for name, is_own in (
            ("emergency", organisation.emergency_text.strip() != EMERGENCY_TEXT),
            ("risk", bool(organisation.risk_text.strip())),
        )
        if is_own
    ]
    state = f"{len(own)} of 2 texts your own" + (f" ({' and '.join(own)})" if own else "")
    state += ", e-mails cannot be sent" if what_is_missing() else ", e-mails can be sent"
    attention = "" if "emergency" in own else "What clients read about emergencies names no number until you write it."
    return Area("Texts", "administration:texts", state, attention or what_is_missing())


def thresholds(user: User) -> Area:
    organisation = user.organisation
    preset = PRESETS.get(organisation.signal_preset)
    rate = RATES[organisation.signal_rate]
    rule = f"signals {preset.label}" if preset else f"1 false alarm in {rate.one_in} looks"
    sessions = counted(organisation.engagement_sessions, "session")
    hours = counted(organisation.risk_hours, "hour")
    state = f"{rule}; engagement phase {sessions}; risk answers passed on after {hours}"
    return Area("Thresholds", "administration:thresholds", state[0].upper() + state[1:])


def signals(user: User) -> Area:
    n = EpisodeSeries.objects.filter(organisation_id=user.organisation_id).aggregate(
        all=Count("pk"), stale=Count("pk", filter=Q(computed_version__lt=F("input_version")))
    )
    done = f"{n['all'] - n['stale']:,} of {counted(n['all'], 'episode')} up to date"
    return Area("Trends and signals", "ruptures:trends", done if n["all"] else "No session has been rated yet")


def priors(user: User) -> Area:
    rows = priors_now(user)
    own = [row for row in rows if not row.is_starting]
    state = "Nothing has been judged yet"
    if own:
        latest = max(own, key=lambda row: row.estimated_at)
        state = (
            f"{len(own)} of {counted(len(rows), 'scale')} from your own clients; latest on {day(latest.estimated_at)} "
            f"from {counted(latest.n, 'course')}"
        )
    elif rows:
        state = f"0 of {counted(len(rows), 'scale')} from your own clients; starting values stand in"
    return Area("What is usual here", "administration:priors", state)


def background(user: User) -> Area:
    standing = jobs.standing(user.organisation_id)
    given_up = sum(one.number_given_up for one in standing)
    waiting, under_way = sum(one.waiting for one in standing), sum(one.under_way for one in standing)
    state = f"{given_up:,} given up, {waiting:,} waiting, {under_way:,} under way"
    attention = f"{counted(given_up, 'job')} given up after five attempts." if given_up else ""
    if not jobs.is_beating():
        attention = "The clock is not heard of: nothing that repeats is being done. " + attention
    return Area("Background jobs", "administration:job-list", state, attention.strip())


def imports(user: User) -> Area:
    State = ImportBatch.State
    n = ImportBatch.objects.filter(organisation_id=user.organisation_id).aggregate(
        written=Count("pk", filter=Q(state=State.WRITTEN)),
        waiting=Count("pk", filter=Q(state__in=[State.UPLOADED, State.READY])),
        refused=Count("pk", filter=Q(state=State.REFUSED)),
    )
    state = f"{n['written']} written, {n['waiting']} not written yet, {n['refused']} with errors"
    attention = "Files that nobody writes are forgotten after a week." if n["waiting"] or n["refused"] else ""
    return Area("Imports", "reports:import-list", state if any(n.values()) else "No file has come in yet", attention)


def exports(user: User) -> Area:
    State = Export.State
    n = Export.objects.filter(organisation_id=user.organisation_id).aggregate(
        all=Count("pk"),
        making=Count("pk", filter=Q(state=State.MAKING)),
        ready=Count("pk", filter=Q(state=State.READY, expires_at__gt=timezone.now())),
        latest=Max("created_at"),
    )
    if not n["all"]:
        return Area("Exports", "reports:export-list", "No file has been asked for yet")
    state = f"{n['ready']} ready, {n['making']} being made; the latest of {n['all']} asked for on {day(n['latest'])}"
    return Area("Exports", "reports:export-list", state)


def erasure(user: User) -> Area:
    organisation = user.organisation
    State = Erasure.State
    n = Erasure.objects.filter(organisation_id=organisation.pk).aggregate(
        asked=Count("pk", filter=Q(state=State.REQUESTED)), done=Count("pk", filter=Q(state=State.DONE))
    )
    years = organisation.retention_years
    kept = f"records are kept {counted(years, 'year')}" if years else "records are kept without end"
    state = f"{n['done']} erased, {n['asked']} asked for; {kept}"
    attention = (
        f"{counted(n['asked'], 'erasure')} asked for: look at it, and carry it out or decline." if n["asked"] else ""
    )
    also = (("How long records are kept", "reports:retention"),)
    return Area("Erasure and retention", "reports:erasure-list", state, attention, also)


def audit(user: User) -> Area:
    last = AuditSeal.objects.filter(organisation_id=user.organisation_id).order_by("-position").first()
    check = AuditCheck.objects.filter(organisation_id=user.organisation_id).first()
    state = f"Sealed up to {day(last.last_happened_at)}" if last else "Nothing has been sealed yet"
    if check and check.checked_at:
        state += f", held against its seals on {day(check.checked_at)}"
    attention = (
        f"{counted(check.faults, 'fault')}: something is not as it was sealed. Tell whoever runs the service: "
        "verify_audit names it."
        if check and check.faults
        else ""
    )
    return Area("Audit trail", "reports:audit", f"{state}; who saw or changed which record", attention)


def service(user: User) -> Area:
    found = run_state(user)
    if found.run is None:
        state = "Not worked out yet"
    elif found.run.finished_at:
        state = f"Worked out on {day(found.run.finished_at)}"
    else:
        state = "Being worked out" if found.is_under_way else "Not finished"
    attention = "The last working out was given up. Ask for it again." if found.is_given_up else ""
    return Area("How the service is doing", "dashboards:service", state, attention)


def profile(user: User) -> Area:
    organisation = user.organisation
    chart = "shown to clients" if organisation.shows_clients_chart else "not shown to clients"
    state = f"{organisation.name}; times of {organisation.time_zone}; own ratings {chart} in the session"
    return Area("Name and time zone", "accounts:organisation-edit", state)


# In this order, after people and supervision, where nothing needs attention. Append further areas here.
AREAS: list[Callable[[User], Area]] = [
    instruments,
    texts,
    thresholds,
    signals,
    priors,
    background,
    imports,
    exports,
    erasure,
    audit,
    service,
    profile,
]


def areas(user: User, n: Staff) -> list[Area]:
    """Every area; those that need attention first."""
    found = [people(n), supervision(n), *(area(user) for area in AREAS)]
    return sorted(found, key=lambda area: not area.attention)
