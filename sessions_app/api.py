import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import check_own
from accounts.api import ApiView, DetailView, ListView, Since
from accounts.api.schema import writes
from clients.selectors import episodes

from . import actions, selectors
from .models import LINE_LENGTH, NOTE_LENGTH, Attendance, Format, TherapySession


class SessionSerializer(serializers.ModelSerializer):
    class Meta:
        model = TherapySession
        fields = (
            "id",
            "episode",
            "number",
            "held_on",
            "is_date_assumed",
            "attendance",
            "format",
            "phase",
            "label",
            "note",
            "next_time",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class OfEpisode(Since):
    episode = serializers.UUIDField(required=False)


class SessionList(ListView):
    pages = {"GET": "clients:client-list"}
    serializer_class = SessionSerializer
    query_serializer = OfEpisode
    client_path = "episode.client_id"

    def rows(self, **filters: Any) -> QuerySet[TherapySession]:
        return selectors.sessions(self.user).filter(**filters)


class SessionDetail(DetailView):
    pages = {"GET": "sessions_app:session"}
    serializer_class = SessionSerializer
    client_path = "episode.client_id"

    def rows(self) -> QuerySet[TherapySession]:
        return selectors.sessions(self.user)


class NewSessionSerializer(serializers.Serializer):
    number = serializers.IntegerField(
        min_value=1, max_value=32_767, required=False, help_text="The next one where none is given."
    )
    held_on = serializers.DateField()
    attendance = serializers.ChoiceField(Attendance.choices, default=Attendance.ATTENDED)
    format = serializers.ChoiceField(
        [(value, label) for value, label in Format.choices if value != Format.NOT_RECORDED], default=Format.IN_PERSON
    )
    note = serializers.CharField(max_length=NOTE_LENGTH, allow_blank=True, default="")
    next_time = serializers.CharField(max_length=LINE_LENGTH, allow_blank=True, default="")


class SessionLog(ApiView):
    """Log a meeting of an episode, attended or not."""

    pages = {"POST": "sessions_app:session-log"}
    serializer_class = SessionSerializer

    @extend_schema(**writes(NewSessionSerializer, SessionSerializer))
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        episode = get_object_or_404(episodes(self.user), pk=pk)
        check_own(self.user, episode.responsible_id)
        values = self.body(NewSessionSerializer)

        def write() -> str:
            number = values.pop("number", None) or actions.next_number(episode)
            session = actions.log_session(episode=episode, number=number, **values, by=self.user)
            return reverse("api:session", args=[session.pk])

        return self.write_once(write, selectors.sessions(self.user), SessionSerializer)
