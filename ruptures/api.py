import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import check_own
from accounts.api import ApiView, DetailView, ListView
from accounts.api.schema import writes
from measures.api import OfSession, of_session

from . import actions, lifecycle, selectors, vocabulary
from .actions import repair
from .models import CORRECTED, Reason, Rupture, Signal, State
from .origins import ChangedMeanwhile

STATES = list(lifecycle.LABELS.items())
REASONS = [*Reason.choices, (CORRECTED, "The client’s rating was corrected")]


class SignalSerializer(serializers.ModelSerializer):
    sentence = serializers.SerializerMethodField(help_text="What was noticed; empty once its evidence is gone.")
    note = serializers.CharField(help_text="Why the evidence is gone.")
    reason = serializers.ChoiceField(Reason.choices, allow_blank=True)

    class Meta:
        model = Signal
        fields = (
            "id",
            "session",
            "rupture",
            "instrument",
            "rule",
            "rater",
            "scale",
            "sentence",
            "state",
            "reason",
            "note",
            "raised_at",
            "answered_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_sentence(self, row: Signal) -> str:
        return "" if row.state == State.WITHDRAWN else row.sentence


class SignalList(ListView):
    """Possible ruptures that the rules noticed."""

    pages = {"GET": "clients:client-list"}
    serializer_class = SignalSerializer
    query_serializer = OfSession
    client_path = "session.episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[Signal]:
        return selectors.signals(self.user).filter(**of_session(filters))


class SignalDetail(DetailView):
    pages = {"GET": "dashboards:episode"}
    serializer_class = SignalSerializer
    client_path = "session.episode.client_id"

    def rows(self) -> QuerySet[Signal]:
        return selectors.signals(self.user)


class SignalAnswerSerializer(serializers.Serializer):
    answer = serializers.ChoiceField([State.CONFIRMED.value, State.DISMISSED.value])
    reason = serializers.ChoiceField(Reason.choices, required=False, help_text="Needed where it is dismissed.")


class SignalAnswer(ApiView):
    """What the therapist says of a signal: it was a rupture, or it was none and why."""

    pages = {"POST": "ruptures:signal-dismiss"}
    serializer_class = SignalSerializer
    conflicts = (actions.AnsweredMeanwhile, actions.OnRecord)

    @extend_schema(**writes(SignalAnswerSerializer, SignalSerializer, conflict=True))
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        signal = get_object_or_404(selectors.signals(self.user), pk=pk)
        check_own(self.user, signal.session.episode.responsible_id)
        values = self.body(SignalAnswerSerializer)

        def write() -> str:
            if values["answer"] == State.CONFIRMED:
                actions.confirm_signal(signal=signal, by=self.user)
            else:
                actions.dismiss_signal(signal=signal, reason=values.get("reason", ""), by=self.user)
            return reverse("api:signal", args=[signal.pk])

        return self.write_once(write, selectors.signals(self.user), SignalSerializer)


class RuptureSerializer(serializers.ModelSerializer):
    """An empty word means that nobody has said so yet."""

    type = serializers.ChoiceField(vocabulary.choices(vocabulary.TYPES), allow_blank=True)
    component = serializers.ChoiceField(vocabulary.choices(vocabulary.COMPONENTS), allow_blank=True)
    reason = serializers.ChoiceField(REASONS, allow_blank=True)
    markers = serializers.ListField(child=serializers.ChoiceField(vocabulary.choices(vocabulary.MARKERS)))
    can_become = serializers.SerializerMethodField(help_text="The states that its therapist may put it into.")

    class Meta:
        model = Rupture
        fields = (
            "id",
            "session",
            "type",
            "markers",
            "component",
            "intensity",
            "noticed_by",
            "what_happened",
            "state",
            "reason",
            "can_become",
            "confirmed_at",
            "closed_at",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(STATES)))
    def get_can_become(self, row: Rupture) -> list[str]:
        return list(row.ways)


class RuptureList(ListView):
    pages = {"GET": "clients:client-list"}
    serializer_class = RuptureSerializer
    query_serializer = OfSession
    client_path = "session.episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[Rupture]:
        return selectors.ruptures(self.user).filter(**of_session(filters))


class RuptureDetail(DetailView):
    pages = {"GET": "ruptures:rupture"}
    serializer_class = RuptureSerializer
    client_path = "session.episode.client_id"

    def rows(self) -> QuerySet[Rupture]:
        return selectors.ruptures(self.user)


class RuptureStateSerializer(serializers.Serializer):
    state = serializers.ChoiceField(STATES)
    reason = serializers.ChoiceField(Reason.choices, required=False, help_text="Needed where it is dismissed.")


class RuptureState(ApiView):
    """What its therapist says of a rupture: that it was one, has settled, was none, is open again."""

    pages = {"POST": "ruptures:rupture-change"}
    serializer_class = RuptureSerializer
    conflicts = (ChangedMeanwhile,)

    @extend_schema(**writes(RuptureStateSerializer, RuptureSerializer, conflict=True))
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        rupture = get_object_or_404(selectors.ruptures(self.user), pk=pk)
        check_own(self.user, rupture.session.episode.responsible_id)
        values = self.body(RuptureStateSerializer)

        def write() -> str:
            repair.change_state(rupture=rupture, to=values["state"], reason=values.get("reason", ""), by=self.user)
            return reverse("api:rupture", args=[rupture.pk])

        return self.write_once(write, selectors.ruptures(self.user), RuptureSerializer)
