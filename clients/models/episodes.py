from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from accounts.access import reach
from accounts.models import OrganisationModel, User

ORIGIN_LENGTH = 1_000


class ClientQuerySet(models.QuerySet["Client"]):
    def visible_to(self, user: User) -> "ClientQuerySet":
        """Clients with an episode that the person may read."""
        return self.filter(pk__in=Episode.objects.visible_to(user).values("client_id"))


class Client(OrganisationModel):
    """A person in therapy, known by a code; a name is optional and nowhere required."""

    code = models.CharField(max_length=30)
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True, default="", db_default="")
    # The day on which the client agreed to get links by e-mail. Who asks for an end has not agreed any more.
    mail_agreed_on = models.DateField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects = ClientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("organisation", Lower("code"), name="clients_client_code_once"),
            models.CheckConstraint(name="clients_client_code_given", condition=~Q(code="")),
            models.CheckConstraint(
                name="clients_client_agreed_with_address", condition=Q(mail_agreed_on=None) | ~Q(email="")
            ),
            models.CheckConstraint(
                name="clients_client_agreed_or_unsubscribed",
                condition=Q(mail_agreed_on=None) | Q(unsubscribed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """How the client is called on a page: the name where there is one, else the code."""
        return self.name or self.code

    @property
    def wants_invitations(self) -> bool:
        return self.mail_agreed_on is not None


class Modality(models.TextChoices):
    CBT = "cbt", "Cognitive behavioural"
    PSYCHODYNAMIC = "psychodynamic", "Psychodynamic"
    PERSON_CENTRED = "person-centred", "Person-centred"
    SYSTEMIC = "systemic", "Systemic"
    INTEGRATIVE = "integrative", "Integrative"
    SUPPORT = "support", "Support and key work"
    OTHER = "other", "Other"


class Ending(models.TextChoices):
    PLANNED = "planned", "Planned"
    MUTUAL = "mutual", "Agreed by both, earlier than planned"
    CLIENT = "client", "By the client alone"
    SERVICE = "service", "By the service"
    TRANSFERRED = "transferred", "Transferred to somebody else"


class EpisodeQuerySet(models.QuerySet["Episode"]):
    def visible_to(self, user: User) -> "EpisodeQuerySet":
        return self.filter(reach(user, "therapist"))

    def open(self) -> "EpisodeQuerySet":
        return self.filter(ended_on=None)


class Episode(OrganisationModel):
    """One course of therapy of one client with one therapist, from its start to its ending."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="episodes")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="episodes")
    modality = models.CharField(max_length=20, choices=Modality)
    practitioner_title = models.CharField(max_length=60)
    started_on = models.DateField()
    # Where the record came from, when that was a file; said wherever the episode is shown.
    origin = models.TextField(max_length=ORIGIN_LENGTH, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client"], condition=Q(ended_on=None), name="clients_episode_one_open"),
            models.CheckConstraint(
                name="clients_episode_ending_paired",
                condition=Q(ended_on=None, ending="") | (Q(ended_on__isnull=False) & ~Q(ending="")),
            ),
            models.CheckConstraint(
                name="clients_episode_ends_after_start",
                condition=Q(ended_on=None) | Q(ended_on__gte=F("started_on")),
            ),
            models.CheckConstraint(name="clients_episode_modality_known", condition=Q(modality__in=Modality.values)),
            models.CheckConstraint(name="clients_episode_ending_known", condition=Q(ending__in=["", *Ending.values])),
        ]
        indexes = [models.Index(fields=["therapist", "ended_on"], name="clients_episode_caseload")]

    def __str__(self) -> str:
        return f"{self.client} from {self.started_on}"

    @property
    def is_open(self) -> bool:
        return self.ended_on is None
