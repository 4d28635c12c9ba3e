import hashlib
import json
import uuid
from typing import Any, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import PageTable, check_own, may_write
from accounts.audit import record_event, record_events
from accounts.http import SignedInRequest, csv_file, one_line
from accounts.models import User
from clients.forms import NewClientForm
from clients.models import Episode
from clients.selectors import episode_of, other_episodes
from clients.views.parts import tabs
from measures import instruments
from measures.actions.comments import deliver_comments
from measures.comments import comment_for, comments_of
from measures.forms import RatingForm
from measures.instruments import COMPONENTS
from measures.statistics.summary import Point
from measures.views.risk import CASELOAD, EPISODE, TODAY, notices_now, notices_of_episode, record_viewed
from ruptures.models import Reason
from sessions_app.selectors import line_for_next

from .. import figures, need
from ..selectors import caseload as caseloads
from ..selectors import episode as selectors
from ..selectors import timeline as timelines
from ..selectors.agreed import agreed_of, phase_of
from ..selectors.ending import ending_told
from ..selectors.marks import marks_of

ROWS_ON_A_PAGE = 25


def visible_episode(request: SignedInRequest | Request, episode_id: uuid.UUID) -> Episode:
    found = episode_of(cast(User, request.user), episode_id)
    if found is None:
        raise Http404
    return found


@require_GET
def episode(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = visible_episode(request, episode_id)
    record_view(request, episode)
    context = episode_context(request, episode)
    small = context["state"].beside
    earlier, later = other_episodes(request.user, episode) if small.has_other_episodes else ([], [])
    context |= {"risk": notices_of_episode(request, episode, back=EPISODE, has_any=small.has_risk_answers)}
    context |= {"earlier": earlier, "later": later, "ending": ending_told(context["state"], request.user)}
    return render(request, "dashboards/episode.html", context)


def record_view(request: SignedInRequest, episode: Episode, what: str = "episode.viewed") -> None:
    record_event(
        what,
        episode,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=request.user,
    )


def episode_context(request: SignedInRequest, episode: Episode) -> dict[str, Any]:
    state = selectors.episode_state(episode, instrument=request.GET.get("instrument", ""))
    agreed = agreed_of(state, engagement_sessions=request.user.organisation.engagement_sessions)
    is_rescaled = "rescaled" in request.GET
    return {
        "is_rescaled": is_rescaled,
        "query": urlencode({"instrument": state.alliance.code} | ({"rescaled": 1} if is_rescaled else {})),
        "episode": episode,
        "state": state,
        "agreed": agreed,
        "tabs": tabs(episode, "dashboards:episode"),
        "is_own": episode.therapist_id == request.user.pk,
        **clients_words(request.user, episode),
        "may_write": may_write(request.user, episode.responsible_id),
        "next_number": state.sessions[-1].number + 1 if state.sessions else 1,
        "components": COMPONENTS,
        "reasons": Reason.choices,
        "worth_asking": [*state.hints, *agreed.strains],
    }


def clients_words(user: User, episode: Episode) -> dict[str, object]:
    """The latest comment that may be raised; to the therapist, that there are others they have not read yet."""
    is_own = episode.responsible_id == user.pk
    comments = comments_of(user, [episode])
    latest = next((comment for comment in comments if not comment.is_held_back), None)
    if is_own and latest and latest.follow_up is None:
        deliver_comments(ratings=[latest.rating], by=user)
        latest = comment_for(user, latest.rating)
    unread = [comment for comment in comments if is_own and comment.is_held_back and comment.follow_up is None]
    return {"comment": latest, "held_back": unread}


@require_GET
def episode_change(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """What an open episode page asks for every few seconds; empty unless there is something new."""
    episode = visible_episode(request, episode_id)
    if request.GET.get("seen") == selectors.stamp_of(episode):
        response = HttpResponse(status=204)
    else:
        record_view(request, episode)
        response = render(request, "dashboards/_episode_body.html", episode_context(request, episode))
    response["X-Record"] = str(episode.pk)
    return response


@require_GET
def before_session(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """The next conversation on one page. What the client asked not to raise yet is not on it."""
    episode = visible_episode(request, episode_id)
    if not episode.is_open:
        return redirect("dashboards:episode", episode.pk)
    record_view(request, episode, "before-session.viewed")
    context = episode_context(request, episode)
    context |= {
        "risk": notices_of_episode(request, episode, back=EPISODE, has_any=context["state"].beside.has_risk_answers),
        "last": next((session for session in reversed(context["state"].sessions) if session.took_place), None),
        "line": line_for_next(reversed(context["state"].sessions)),
    }
    return render(request, "dashboards/before_session.html", context)


@require_GET
def timeline(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """?show= one kind of what happened; everything without it."""
    episode = visible_episode(request, episode_id)
    record_view(request, episode, "timeline.viewed")
    is_own = episode.therapist_id == request.user.pk
    state = selectors.episode_state(episode, instrument=request.GET.get("instrument", ""))
    whole = timelines.timeline(state, engagement_sessions=request.user.organisation.engagement_sessions, is_own=is_own)
    shown = request.GET.get("show", "")
    if shown and shown not in timelines.KINDS:
        raise Http404
    filters = [{"label": "Everything", "url": "?", "current": not shown}]
    filters += [
        {"label": label, "url": f"?show={kind}", "current": kind == shown, "count": whole.counts.get(kind, 0)}
        for kind, label in timelines.KINDS.items()
    ]
    context = {
        "episode": episode,
        "is_own": is_own,
        "tabs": tabs(episode, "dashboards:timeline"),
        "filters": filters,
        "shown": timelines.KINDS.get(shown, ""),
        "parts": whole.only(shown) if shown else whole.parts,
    }
    return render(request, "dashboards/timeline.html", context)


@require_GET
def together(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """What the client has answered, for both to look at in the session; nothing that anybody else said of it."""
    episode = visible_episode(request, episode_id)
    check_own(request.user, episode.responsible_id)
    if not request.user.organisation.shows_clients_chart:
        raise PermissionDenied("Your service has not switched on that clients look at their ratings.")
    record_view(request, episode, "episode.shown-to-client")
    state = selectors.episode_state(episode, instrument=request.GET.get("instrument", ""))
    context = {
        "episode": episode,
        "state": state,
        "components": COMPONENTS,
        "rows": [row for row in state.rows if any(value is not None for value in [*row.client, *row.totals])],
        "has_alliance": any(value is not None for row in state.rows for value in row.client),
    }
    return render(request, "dashboards/together.html", context)


class FigureView(APIView):
    """A chart as Plotly JSON, with an ETag: a page that has it already is told so."""

    permission_classes = [PageTable]

    def answer(self, request: Request, figure: figures.Figure) -> HttpResponseBase:
        etag = quote_etag(hashlib.sha256(json.dumps(figure, sort_keys=True).encode()).hexdigest())
        response = Response(figure, headers={"ETag": etag})
        return get_conditional_response(request._request, etag=etag, response=response) or response


class EpisodeFigure(FigureView):
    """?instrument= of the alliance, or ?total= of a measure beneath it; ?rescaled=1 puts every range on 0 to 1.

    ?own=1 is what the client answered and nothing else, to be looked at together.
    """

    def get(self, request: Request, episode_id: uuid.UUID) -> HttpResponseBase:
        episode = visible_episode(request, episode_id)
        state = selectors.episode_state(episode, instrument=request.query_params.get("instrument", ""))
        if "total" in request.query_params:
            return self.answer(request, self.total(state, request.query_params["total"]))
        if "own" in request.query_params:
            return self.answer(request, self.clients_own(state))
        phase = phase_of(state, engagement_sessions=cast(User, request.user).organisation.engagement_sessions)
        return self.answer(request, self.alliance(state, phase, is_rescaled="rescaled" in request.query_params))

    def alliance(
        self, state: selectors.EpisodeState, phase: figures.Engagement, *, is_rescaled: bool
    ) -> figures.Figure:
        return figures.alliance_figure(
            selectors.components_of(state, "therapist", "client"),
            value_range=selectors.value_range(state.alliance),
            missed=selectors.missed_meetings(state.sessions),
            axis=state.axis,
            expected=state.expected,
            marks=marks_of(state),
            engagement=phase,
            is_rescaled=is_rescaled,
        )

    def clients_own(self, state: selectors.EpisodeState) -> figures.Figure:
        return figures.alliance_figure(
            selectors.components_of(state, "client"),
            value_range=selectors.value_range(state.alliance),
            missed=[],
            axis=state.axis,
        )

    def total(self, state: selectors.EpisodeState, code: str) -> figures.Figure:
        shown = selectors.measure_with_total(code)
        if shown is None:
            raise Http404
        points = selectors.total_points(state.series, shown)
        return figures.total_figure(points, value_range=shown.range_of_total, axis=state.axis)


@require_GET
def caseload(request: SignedInRequest) -> HttpResponse:
    whole, kind, search = asked_of(request)
    risk = notices_now(request, back=CASELOAD if whole.is_supervised else TODAY)
    record_viewed(request, risk.open)
    shown = whole.shown(kind=kind, search=search)
    page = Paginator(shown, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    kept = {"whose": "own" if request.user.is_supervisor and not whole.is_supervised else "", "q": search}
    query = urlencode({name: value for name, value in kept.items() if value})
    filters = [{"label": "Everything", "kind": "", "count": len(whole.placed)}]
    filters += [{"label": label, "kind": one, "count": whole.counts[one]} for one, label in need.KINDS.items()]
    context = {
        "risk": risk,
        "whole": whole,
        "page": page,
        "rows": caseloads.shown_rows(whole.rows(list(page))),
        "kind": kind,
        "search": search,
        "filters": filters,
        "query": f"{query}&show={kind}" if query else f"show={kind}",
        "query_of_filters": f"{query}&" if query else "",
        "whose": kept["whose"],
        "shows_therapist": whole.is_supervised or whole.therapists > 1,
        "can_choose": request.user.is_supervisor and request.user.is_therapist,
        "has_dots": any(one.told.bond_change is not None for one in shown),
    }
    return render(request, "dashboards/caseload.html", context)


def asked_of(request: SignedInRequest | Request) -> tuple[caseloads.Caseload, str, str]:
    """The caseload, and of it one kind of reason and the words to look for. Raises Http404 for an unknown kind."""
    kind = request.GET.get("show", "")
    if kind and kind not in need.KINDS:
        raise Http404
    whole = caseloads.caseload(cast(User, request.user), own=request.GET.get("whose") == "own")
    return whole, kind, one_line(request.GET.get("q", ""))


@require_GET
def caseload_csv(request: SignedInRequest) -> HttpResponse:
    """What the page shows, in its order, for a spreadsheet."""
    whole, kind, search = asked_of(request)
    rows = caseloads.shown_rows(whole.rows(whole.shown(kind=kind, search=search)))
    organisation = request.user.organisation
    subjects = [(Episode(pk=row.episode.pk), row.episode.client_id) for row in rows]
    record_events("caseload.exported", subjects, organisation_id=organisation.pk, by=request.user)
    return csv_file(f"caseload-{organisation.today}.csv", caseloads.table_of(rows))


class CaseloadFigure(FigureView):
    """Bond now against its change, a dot per episode."""

    def get(self, request: Request) -> HttpResponseBase:
        whole, kind, search = asked_of(request)
        dots = caseloads.caseload_dots(whole.shown(kind=kind, search=search))
        return self.answer(request, figures.caseload_figure(dots, value_range=(0, 10)))


@require_GET
def gallery(request: SignedInRequest) -> HttpResponse:
    """Every component in every state: in demo mode, to look at."""
    edition = instruments.edition("session-check-in", "client")
    rating = RatingForm({"item-1": "8", "item-3": "11"}, edition=edition)
    rating.is_valid()
    context = {
        "form": NewClientForm({"code": "", "started_on": "soon"}),
        "items": rating.items_to_show(),
        "figure_url": "/gallery/figure.json",
        "toggles": [
            {"key": key, "label": key.capitalize(), "on": key != "task"} for key in ("client", "therapist", *COMPONENTS)
        ],
        "tabs": [
            {"label": "Open", "url": "#", "current": True, "count": 12},
            {"label": "Ended", "url": "#", "current": False, "count": 3},
        ],
        "breadcrumb": [{"label": "Clients", "url": "#"}, {"label": "R-0417", "url": ""}],
        "page": Paginator(range(120), 50).page(2),
    }
    return render(request, "gallery.html", context)


class GalleryFigure(FigureView):
    def get(self, request: Request) -> HttpResponseBase:
        bond = [6.8, 7, 7.4, 7.6, 7.7, 7.9, 7.8, 4.6, None, 6.2, 7.9, 8.4, 8.5, 8.6]
        shift = {"goal": -0.4, "task": -0.9, "bond": 0.0}
        series = {
            (rater, scale): [
                Point(number, None if value is None else value + shift[scale] - (0.5 if rater == "therapist" else 0))
                for number, value in enumerate(bond, start=1)
            ]
            for rater in ("therapist", "client")
            for scale in COMPONENTS
        }
        figure = figures.alliance_figure(
            series,
            value_range=(0, 10),
            missed=[figures.Missed(9, "Did not attend")],
            axis=figures.SessionAxis(1, len(bond), {}),
            expected={"bond": {session: (6.2, 8.9) for session in range(5, 15) if session != 9}},
            marks=[
                figures.Mark(
                    8, 4.6, "bond", "client", "attention", "possible rupture", "Bond 4.6; expected 6.2 to 8.9."
                ),
                figures.Mark(10, 6.2, "bond", "client", "settled", "back", "Back at what was expected."),
            ],
            engagement=figures.Engagement(5, challenged_in=6),
        )
        return self.answer(request, figure)
