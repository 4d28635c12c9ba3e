from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import DetailView, ListView, Since
from accounts.api.schema import writes

from . import actions, selectors
from .forms import check_not_future
from .models import Client, Ending, Episode, Modality


class ClientSerializer(serializers.ModelSerializer):
    class Meta:
        model = Client
        fields = ("id", "code", "name", "version", "created_at", "updated_at")
        read_only_fields = fields


class NewClientSerializer(serializers.Serializer):
    """A client and the first episode, of which whoever asks is the therapist."""

    code = serializers.CharField(max_length=30)
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    modality = serializers.ChoiceField(Modality.choices)
    practitioner_title = serializers.CharField(max_length=60)
    started_on = serializers.DateField(validators=[check_not_future])


class ClientList(ListView):
    pages = {"GET": "clients:client-list", "POST": "clients:client-create"}
    serializer_class = ClientSerializer
    client_path = "pk"

    def rows(self, **filters: Any) -> QuerySet[Client]:
        return selectors.clients(self.user)

    @extend_schema(**writes(NewClientSerializer, ClientSerializer))
    def post(self, request: Request) -> Response:
        values = self.body(NewClientSerializer)

        def write() -> str:
            client = actions.create_client(code=values.pop("code"), name=values.pop("name"), by=self.user)
            actions.start_episode(client=client, **values, by=self.user)
            return reverse("api:client", args=[client.pk])

        return self.write_once(write, self.rows(), ClientSerializer)


class ClientDetail(DetailView):
    pages = {"GET": "dashboards:episode"}
    serializer_class = ClientSerializer
    client_path = "pk"

    def rows(self) -> QuerySet[Client]:
        return selectors.clients(self.user)


class EpisodeSerializer(serializers.ModelSerializer):
    therapist_name = serializers.CharField(source="therapist.name", read_only=True)
    ending = serializers.ChoiceField(Ending.choices, allow_blank=True)

    class Meta:
        model = Episode
        fields = (
            "id",
            "client",
            "therapist",
            "therapist_name",
            "modality",
            "practitioner_title",
            "started_on",
            "ended_on",
            "ending",
            "continues",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class OfClient(Since):
    client = serializers.UUIDField(required=False)


class EpisodeList(ListView):
    pages = {"GET": "clients:client-list"}
    serializer_class = EpisodeSerializer
    query_serializer = OfClient

    def rows(self, **filters: Any) -> QuerySet[Episode]:
        return selectors.episodes(self.user).filter(**filters)


class EpisodeDetail(DetailView):
    pages = {"GET": "dashboards:episode"}
    serializer_class = EpisodeSerializer

    def rows(self) -> QuerySet[Episode]:
        return selectors.episodes(self.user)
