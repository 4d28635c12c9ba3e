import uuid
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import check_own
from accounts.api import ApiView, DetailView, ListView, Since
from accounts.api.schema import writes
from sessions_app.models import TherapySession
from sessions_app.selectors import sessions

from . import actions, scoring, selectors
from .forms import own_choices
from .models import Rater, Rating, RatingRequest, Score, Trend

LINK_STATES = ["open", "answered", "withdrawn", "expired"]


class OfSession(Since):
    session = serializers.UUIDField(required=False)
    episode = serializers.UUIDField(required=False)


def of_session(filters: dict[str, Any]) -> dict[str, Any]:
    return {"session__episode" if name == "episode" else name: value for name, value in filters.items()}


class ScoreSerializer(serializers.ModelSerializer):
    """One scale: the published total and the item mean, or neither and the reason."""

    class Meta:
        model = Score
        fields = ("scale", "value", "mean", "is_prorated", "reason")
        read_only_fields = fields


class RatingSerializer(serializers.ModelSerializer):
    answers = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="By the number of the item; null is no answer."
    )
    scores = ScoreSerializer(many=True)

    class Meta:
        model = Rating
        fields = (
            "id",
            "session",
            "instrument",
            "edition_version",
            "rater",
            "answers",
            "scores",
            "submitted_at",
            "updated_at",
        )
        read_only_fields = fields


class RatingList(ListView):
    """Ratings in force. A client's rating is there once it may be seen: when the therapist has rated or will not."""

    pages = {"GET": "clients:client-list"}
    serializer_class = RatingSerializer
    query_serializer = OfSession
    client_path = "session.episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[Rating]:
        return selectors.ratings(self.user).filter(**of_session(filters))

    def changed_since(self, rows: QuerySet[Any], moment: datetime) -> QuerySet[Any]:
        return selectors.to_be_seen_since(rows, moment)


class RatingDetail(DetailView):
    pages = {"GET": "sessions_app:session"}
    serializer_class = RatingSerializer
    client_path = "session.episode.client_id"

    def rows(self) -> QuerySet[Rating]:
        return selectors.ratings(self.user)


class OfOwnSession(ApiView):
    """What a therapist writes about a session of an episode that is theirs to write in."""

    def own_session(self, pk: uuid.UUID) -> TherapySession:
        session = get_object_or_404(sessions(self.user), pk=pk)
        check_own(self.user, session.episode.responsible_id)
        return session


class NewRatingSerializer(serializers.Serializer):
    instrument = serializers.CharField(max_length=40)
    answers = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        allow_empty=False,
        help_text="By the number of the item; null is no answer.",
    )

    def validate_answers(self, answers: dict[str, float | None]) -> dict[int, float | None]:
        odd = [number for number in answers if not (number.isascii() and number.isdecimal() and len(number) < 5)]
        if odd:
            raise serializers.ValidationError({number: ["Name an item by its number."] for number in odd})
        return {int(number): answer for number, answer in answers.items()}


class SessionRatings(OfOwnSession):
    """The therapist's own rating of a session; one that is there already is superseded and kept."""

    pages = {"POST": "sessions_app:session-edit"}
    serializer_class = RatingSerializer

    @extend_schema(**writes(NewRatingSerializer, RatingSerializer))
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        session = self.own_session(pk)
        values = self.body(NewRatingSerializer)
        if values["instrument"] not in own_choices():
            raise ValidationError({"instrument": "Therapists do not rate with this here."})

        def write() -> str:
            try:
                rating = actions.submit_rating(session=session, rater=Rater.THERAPIST, **values, by=self.user)
            except scoring.AnswerProblem as error:
                raise serializers.ValidationError(
                    {"answers": {str(item): [words] for item, words in error.problems.items()}}
                ) from None
            return reverse("api:rating", args=[rating.pk])

        # Another rating may have come to stand in its place since.
        return self.write_once(write, selectors.own_ratings(self.user), RatingSerializer)


class RatingRequestSerializer(serializers.ModelSerializer):
    state = serializers.SerializerMethodField()

    class Meta:
        model = RatingRequest
        fields: tuple[str, ...] = (
            "id",
            "session",
            "instrument",
            "state",
            "created_at",
            "expires_at",
            "revoked_at",
            "redeemed_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(LINK_STATES))
    def get_state(self, row: RatingRequest) -> str:
        if row.redeemed_at:
            return "answered"
        if row.revoked_at:
            return "withdrawn"
        return "open" if row.expires_at > timezone.now() else "expired"


class NewLinkSerializer(RatingRequestSerializer):
    """With the link itself, which is told only to whoever asked for it."""

    link = serializers.SerializerMethodField()

    class Meta(RatingRequestSerializer.Meta):
        fields = (*RatingRequestSerializer.Meta.fields, "link")
        read_only_fields = fields

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_link(self, row: RatingRequest) -> str | None:
        """None when it no longer works."""
        token = row.token if self.get_state(row) == "open" else None
        return self.context["request"].build_absolute_uri(reverse("measures:link", args=[token])) if token else None


class RatingRequestList(ListView):
    pages = {"GET": "clients:client-list"}
    serializer_class = RatingRequestSerializer
    query_serializer = OfSession
    client_path = "session.episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[RatingRequest]:
        return selectors.rating_requests(self.user).filter(**of_session(filters))


class RatingRequestDetail(DetailView):
    pages = {"GET": "sessions_app:session"}
    serializer_class = RatingRequestSerializer
    client_path = "session.episode.client_id"

    def rows(self) -> QuerySet[RatingRequest]:
        return selectors.rating_requests(self.user)


class NewRatingRequestSerializer(serializers.Serializer):
    instrument = serializers.CharField(max_length=40)


class SessionRatingRequests(OfOwnSession):
    """Make a link for one rating by the client; an open one for the same questionnaire stops working."""

    pages = {"POST": "measures:request-create"}
    serializer_class = NewLinkSerializer

    @extend_schema(**writes(NewRatingRequestSerializer, NewLinkSerializer))
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        session = self.own_session(pk)
        values = self.body(NewRatingRequestSerializer)
        if values["instrument"] not in {one.code for one in selectors.instruments_for(session)}:
            raise ValidationError({"instrument": "Clients cannot be asked this about this session."})

        def write() -> str:
            made = actions.request_rating(session=session, **values, by=self.user)
            return reverse("api:rating-request", args=[made.pk])

        return self.write_once(write, selectors.rating_requests(self.user), NewLinkSerializer)


class TrendSerializer(serializers.ModelSerializer):
    """In item means. `is_updating` while ratings have come that are not in it yet."""

    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True), min_length=2, max_length=2),
        help_text="A pair for each planned meeting: the session’s number, the item mean or null.",
    )
    notes = serializers.ListField(child=serializers.CharField(), help_text="Why a number is missing, in words.")
    is_updating = serializers.BooleanField(source="episode.series.is_updating")

    class Meta:
        model = Trend
        fields = (
            "id",
            "episode",
            "instrument",
            "rater",
            "scale",
            "points",
            "n",
            "latest",
            "latest_session",
            "previous",
            "change",
            "change_from_first",
            "slope",
            "slope_low",
            "slope_high",
            "reliable_criterion",
            "is_reliable",
            "notes",
            "is_updating",
            "updated_at",
        )
        read_only_fields = fields


class OfEpisode(Since):
    episode = serializers.UUIDField(required=False)


class TrendList(ListView):
    pages = {"GET": "clients:client-list"}
    serializer_class = TrendSerializer
    query_serializer = OfEpisode
    client_path = "episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[Trend]:
        return selectors.trends(self.user).filter(**filters)


class TrendDetail(DetailView):
    pages = {"GET": "dashboards:episode"}
    serializer_class = TrendSerializer
    client_path = "episode.client_id"

    def rows(self) -> QuerySet[Trend]:
        return selectors.trends(self.user)
