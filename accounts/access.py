"""Who may see what, in one place.

Four questions, four answers:
- May this kind of person use this page?      `PAGES`, one row per route; a route without a row is refused.
- Whose clients are this person's business?   `therapists_of(user)`: their own, those they cover, those of supervision.
- Which rows may this person read?            `reach(user, …)`, the condition behind every `visible_to(user)`.
- May this person change this row?            `may_write(…)`, `check_own(…)`.
What a person may not see answers 404, as if it did not exist; what they may see and not change answers 403.
"""

import enum
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .models import Cover, Supervision, User


class Who(enum.Enum):
    """Kinds of person a page is for."""

    NOBODY = "nobody"
    ANYONE = "anyone, signed in or not"
    SIGNED_IN = "everybody who is signed in"
    CLINICIAN = "therapists and supervisors"
    THERAPIST = "therapists"
    SUPERVISOR = "supervisors"
    ADMINISTRATOR = "administrators"
    OVERSEER = "supervisors and administrators"
    EXPORTER = "therapists and administrators"


PAGES: dict[str, Who] = {
    "home": Who.SIGNED_IN,
    "health": Who.ANYONE,
    "ready": Who.ANYONE,
    "metrics": Who.ANYONE,  # from this machine, or with a token: jobs.views
    "account": Who.SIGNED_IN,
    "account_login": Who.ANYONE,
    "account_logout": Who.ANYONE,
    "account_change_password": Who.SIGNED_IN,
    "account_reauthenticate": Who.SIGNED_IN,
    "mfa_authenticate": Who.ANYONE,
    "mfa_reauthenticate": Who.SIGNED_IN,
    "mfa_reauthenticate_webauthn": Who.SIGNED_IN,
    "mfa_index": Who.SIGNED_IN,
    "mfa_activate_totp": Who.SIGNED_IN,
    "mfa_deactivate_totp": Who.SIGNED_IN,
    "mfa_view_recovery_codes": Who.SIGNED_IN,
    "mfa_generate_recovery_codes": Who.SIGNED_IN,
    "mfa_add_webauthn": Who.SIGNED_IN,
    "mfa_remove_webauthn": Who.SIGNED_IN,
    "accounts:session-list": Who.SIGNED_IN,
    "accounts:session-end": Who.SIGNED_IN,
    "accounts:session-end-others": Who.SIGNED_IN,
    "accounts:session-left": Who.SIGNED_IN,
    "accounts:session-stay": Who.SIGNED_IN,
    "accounts:second-factor-remove": Who.ADMINISTRATOR,
    "accounts:choose-password": Who.ANYONE,
    "accounts:person-list": Who.ADMINISTRATOR,
    "accounts:person-create": Who.ADMINISTRATOR,
    "accounts:person-edit": Who.ADMINISTRATOR,
    "accounts:person-password-link": Who.ADMINISTRATOR,
    "accounts:supervision-start": Who.ADMINISTRATOR,
    "accounts:supervision-end": Who.ADMINISTRATOR,
    "accounts:cover-start": Who.THERAPIST,
    "accounts:cover-end": Who.THERAPIST,
    "accounts:token-list": Who.SIGNED_IN,
    "accounts:token-revoke": Who.SIGNED_IN,
    "accounts:person-cover-start": Who.ADMINISTRATOR,
    "accounts:person-cover-end": Who.ADMINISTRATOR,
    "accounts:organisation-edit": Who.ADMINISTRATOR,
    "clients:client-list": Who.CLINICIAN,
    "clients:client-create": Who.THERAPIST,
    "clients:client-edit": Who.THERAPIST,
    "clients:episode-create": Who.THERAPIST,
    "clients:episode-end": Who.THERAPIST,
    "clients:agreements": Who.CLINICIAN,
    "clients:agreement-log": Who.CLINICIAN,
    "clients:goal-create": Who.THERAPIST,
    "clients:goal-edit": Who.THERAPIST,
    "clients:goal-agree": Who.THERAPIST,
    "clients:goal-settle": Who.THERAPIST,
    "clients:goal-levels": Who.THERAPIST,
    "clients:goal-progress": Who.THERAPIST,
    "clients:task-create": Who.THERAPIST,
    "clients:task-edit": Who.THERAPIST,
    "clients:task-agree": Who.THERAPIST,
    "clients:task-settle": Who.THERAPIST,
    "clients:task-step-down": Who.THERAPIST,
    "clients:task-outcome": Who.THERAPIST,
    "clients:engagement": Who.CLINICIAN,
    "clients:objective": Who.THERAPIST,
    "clients:expectations": Who.THERAPIST,
    "clients:needs": Who.THERAPIST,
    "clients:first-challenge": Who.THERAPIST,
    "clients:episode-hand-over": Who.THERAPIST,
    "clients:person-episodes": Who.ADMINISTRATOR,
    "sessions_app:today": Who.THERAPIST,
    "sessions_app:session-log": Who.THERAPIST,
    "sessions_app:log-draft": Who.THERAPIST,
    "sessions_app:log-discard": Who.THERAPIST,
    "sessions_app:session": Who.CLINICIAN,
    "sessions_app:session-edit": Who.THERAPIST,
    "sessions_app:core-conditions": Who.CLINICIAN,
    "sessions_app:process-notes": Who.CLINICIAN,
    "sessions_app:process-note-create": Who.THERAPIST,
    "sessions_app:process-note-edit": Who.THERAPIST,
    "sessions_app:process-note-delete": Who.THERAPIST,
    "measures:request-create": Who.THERAPIST,
    "measures:request-revoke": Who.THERAPIST,
    "measures:invitation-send": Who.THERAPIST,
    "measures:baseline": Who.THERAPIST,
    "measures:rating-show": Who.THERAPIST,
    "measures:comment": Who.THERAPIST,
    "measures:hand-over": Who.THERAPIST,
    "measures:hand-back": Who.SIGNED_IN,
    "measures:link": Who.ANYONE,
    "measures:rate": Who.ANYONE,
    "measures:thanks": Who.ANYONE,
    "measures:risk-now": Who.CLINICIAN,
    "measures:risk-of-episode": Who.CLINICIAN,
    "measures:risk-answer": Who.CLINICIAN,
    "measures:stop": Who.ANYONE,
    "measures:rate-next": Who.ANYONE,
    "measures:paper": Who.THERAPIST,
    "measures:episode-battery": Who.THERAPIST,
    "measures:episode-battery-reset": Who.THERAPIST,
    "measures:battery": Who.ADMINISTRATOR,
    "measures:battery-remove": Who.ADMINISTRATOR,
    "measures:battery-move": Who.ADMINISTRATOR,
    "measures:instrument-list": Who.ADMINISTRATOR,
    "measures:instrument": Who.ADMINISTRATOR,
    "measures:instrument-switch": Who.ADMINISTRATOR,
    "measures:licence-record": Who.ADMINISTRATOR,
    "measures:wording-create": Who.ADMINISTRATOR,
    "measures:wording-end": Who.ADMINISTRATOR,
    "ruptures:trends": Who.ADMINISTRATOR,
    "ruptures:trends-progress": Who.ADMINISTRATOR,
    "ruptures:recompute": Who.ADMINISTRATOR,
    "ruptures:try-again": Who.ADMINISTRATOR,
    "ruptures:signal-confirm": Who.THERAPIST,
    "ruptures:signal-dismiss": Who.THERAPIST,
    "ruptures:rupture-create": Who.THERAPIST,
    "ruptures:rupture": Who.CLINICIAN,
    "ruptures:rupture-edit": Who.THERAPIST,
    "ruptures:rupture-change": Who.THERAPIST,
    "ruptures:attempt-create": Who.THERAPIST,
    "ruptures:attempt-edit": Who.THERAPIST,
    "dashboards:episode": Who.CLINICIAN,
    "dashboards:episode-change": Who.CLINICIAN,
    "dashboards:episode-figure": Who.CLINICIAN,
    "dashboards:before-session": Who.CLINICIAN,
    "dashboards:timeline": Who.CLINICIAN,
    "dashboards:together": Who.THERAPIST,
    "dashboards:client-report": Who.CLINICIAN,
    "dashboards:caseload": Who.CLINICIAN,
    "dashboards:caseload-figure": Who.CLINICIAN,
    "dashboards:caseload-csv": Who.CLINICIAN,
    "supervision:overview": Who.CLINICIAN,
    "supervision:therapist": Who.CLINICIAN,
    "supervision:meeting-create": Who.SUPERVISOR,
    "supervision:meeting": Who.CLINICIAN,
    "supervision:meeting-edit": Who.SUPERVISOR,
    "supervision:meeting-move": Who.SUPERVISOR,
    "supervision:meeting-notes": Who.SUPERVISOR,
    "supervision:discuss": Who.SUPERVISOR,
    "supervision:bring": Who.CLINICIAN,
    "supervision:item": Who.CLINICIAN,
    "supervision:step-create": Who.SUPERVISOR,
    "supervision:step-edit": Who.CLINICIAN,
    "supervision:target-create": Who.CLINICIAN,
    "supervision:target-edit": Who.CLINICIAN,
    "supervision:pack": Who.CLINICIAN,
    "supervision:pack-report": Who.CLINICIAN,
    "dashboards:service": Who.OVERSEER,
    "dashboards:service-figure": Who.OVERSEER,
    "dashboards:service-progress": Who.OVERSEER,
    "dashboards:service-work-out": Who.OVERSEER,
    "dashboards:service-report": Who.OVERSEER,
    "dashboards:methods": Who.SIGNED_IN,
    "reports:rating-fhir": Who.CLINICIAN,
    "reports:import-list": Who.ADMINISTRATOR,
    "reports:import-create": Who.ADMINISTRATOR,
    "reports:template-list": Who.ADMINISTRATOR,
    "reports:template": Who.ADMINISTRATOR,
    "reports:import": Who.ADMINISTRATOR,
    "reports:import-progress": Who.ADMINISTRATOR,
    "reports:import-columns": Who.ADMINISTRATOR,
    "reports:import-mapping": Who.ADMINISTRATOR,
    "reports:import-mapping-file": Who.ADMINISTRATOR,
    "reports:import-problems": Who.ADMINISTRATOR,
    "reports:import-write": Who.ADMINISTRATOR,
    "reports:import-retry": Who.ADMINISTRATOR,
    "reports:import-undo": Who.ADMINISTRATOR,
    "reports:import-discard": Who.ADMINISTRATOR,
    "reports:export-list": Who.EXPORTER,
    "reports:export": Who.EXPORTER,
    "reports:export-progress": Who.EXPORTER,
    "reports:export-file": Who.EXPORTER,
    "reports:export-cancel": Who.EXPORTER,
    "reports:export-retry": Who.EXPORTER,
    "accounts:supervision-list": Who.ADMINISTRATOR,
    "administration:overview": Who.ADMINISTRATOR,
    "administration:texts": Who.ADMINISTRATOR,
    "administration:thresholds": Who.ADMINISTRATOR,
    "administration:priors": Who.ADMINISTRATOR,
    "administration:priors-progress": Who.ADMINISTRATOR,
    "administration:priors-work-out": Who.ADMINISTRATOR,
    "administration:job-list": Who.ADMINISTRATOR,
    "administration:job-retry": Who.ADMINISTRATOR,
    "administration:job-put-away": Who.ADMINISTRATOR,
    "reports:client-data": Who.THERAPIST,
    "reports:pack-create": Who.THERAPIST,
    "reports:erasure-request": Who.THERAPIST,
    "reports:erasure-list": Who.ADMINISTRATOR,
    "reports:erasure": Who.EXPORTER,
    "reports:erasure-progress": Who.EXPORTER,
    "reports:erasure-carry-out": Who.ADMINISTRATOR,
    "reports:erasure-close": Who.EXPORTER,
    "reports:erasure-retry": Who.ADMINISTRATOR,
    "reports:retention": Who.ADMINISTRATOR,
    "reports:hold-set": Who.ADMINISTRATOR,
    "reports:hold-lift": Who.ADMINISTRATOR,
    "reports:audit": Who.ADMINISTRATOR,
    "reports:audit-csv": Who.ADMINISTRATOR,
    "gallery": Who.SIGNED_IN,
    "gallery-figure": Who.SIGNED_IN,
}


def may_open(user: User | AnonymousUser, who: Who) -> bool:
    if who is Who.ANYONE:
        return True
    if who is Who.NOBODY or not isinstance(user, User) or not user.is_active:
        return False
    return {
        Who.SIGNED_IN: True,
        Who.CLINICIAN: user.is_clinician,
        Who.THERAPIST: user.is_therapist,
        Who.SUPERVISOR: user.is_supervisor,
        Who.ADMINISTRATOR: user.is_administrator,
        Who.OVERSEER: user.is_supervisor or user.is_administrator,
        Who.EXPORTER: user.is_therapist or user.is_administrator,
    }[who]


def therapists_of(user: User) -> QuerySet[User]:
    """Whose clients are this person's business today: a therapist's own and of those they cover; a supervisor's.

    Roles add up; an administrator has no clients by being one.
    """
    return writing_for(user) | supervised_by(user)


def writing_for(user: User) -> QuerySet[User]:
    """The therapists in whose episodes this person writes today: themself, and those they cover."""
    mine = Q(pk=user.pk) | Q(pk__in=covers_given(user).values("therapist"))
    return User.objects.filter(mine if user.is_therapist else Q(pk__in=[]))


def covers_given(user: User) -> QuerySet[Cover]:
    """The covers in force today in which this person stands in. A cover is not passed on."""
    return Cover.objects.in_force(user.organisation.today).filter(cover=user)


def supervised_by(user: User) -> QuerySet[User]:
    """The therapists whom this person supervises now."""
    theirs = Q(pk__in=Supervision.objects.current().filter(supervisor=user).values("therapist"))
    return User.objects.filter(theirs if user.is_supervisor else Q(pk__in=[]))


def reach(user: User, path: str) -> Q:
    """Rows a clinician may read: of their therapists, and what others had recorded before one of these took over.

    `path` leads from the row to its therapist: "therapist", "episode__therapist", "session__episode__therapist".
    """
    return rows_of(therapists_of(user).values("pk"), path)


def rows_of(therapists: Any, path: str) -> Q:
    """As `reach`, for some therapists given as a query of ids or as ids."""
    episode = path.removesuffix("therapist")
    return Q(**{f"{path}__in": therapists}) | Q(**{f"{episode}later_therapists__overlap": therapists})


def supervised_ids(user: User) -> set[Any]:
    """As `supervised_by`, for a page that asks it of several tables."""
    return set(supervised_by(user).values_list("pk", flat=True))


def writes_for(user: User) -> set[Any]:
    """As `writing_for`, for a page that asks it of many rows."""
    return set(writing_for(user).values_list("pk", flat=True))


def may_write(user: User, responsible_id: Any) -> bool:
    """Whether this person writes where `responsible_id` is responsible: their own episode, or one they cover today.

    Nobody is responsible for an episode that was handed over: `Episode.responsible_id` is then None.
    """
    if responsible_id is None or not user.is_therapist:
        return False
    return user.pk == responsible_id or covers_given(user).filter(therapist=responsible_id).exists()


def check_own(user: User, responsible_id: Any) -> None:
    """Only the therapist of an episode writes in it, or who covers for them. Raises PermissionDenied: 403.

    What is a therapist's alone, such as process notes, asks for its author instead.
    """
    if not may_write(user, responsible_id):
        raise PermissionDenied("Only the therapist of this episode, or who covers for them today, can change it.")


class RefuseEverybody(BasePermission):
    """The default of every JSON view: forgetting to name a permission is safe."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class PageTable(BasePermission):
    """For JSON views: the table above has already been asked by the middleware; this asks it again."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request.resolver_match
        return bool(match and may_open(request.user, PAGES.get(match.view_name, Who.NOBODY)))
