import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from accounts.access import reach, therapists_of
from accounts.models import OrganisationModel, User

ORIGIN_LENGTH = 1_000
ENDING_LENGTH = 1_000


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
    # Set by the database with every change, whoever makes it: the API is asked for what changed since.
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

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

    def listed_for(self, user: User) -> "EpisodeQuerySet":
        """Those of clients who are the person's business; what was recorded before a hand-over is read from there."""
        return self.filter(therapist__in=therapists_of(user))

    def open(self) -> "EpisodeQuerySet":
        return self.filter(ended_on=None)


class Episode(OrganisationModel):
    """One course of therapy of one client with one therapist, from its start to its ending.

    Handed over, it ends, and another one `continues` it with the next therapist. `later_therapists` are all who took
    over since, the latest first: they read it, and nobody writes in it any more.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="episodes")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="episodes")
    modality = models.CharField(max_length=20, choices=Modality)
    practitioner_title = models.CharField(max_length=60)
    started_on = models.DateField()
    # Where the record came from, when that was a file; said wherever the episode is shown.
    origin = models.TextField(max_length=ORIGIN_LENGTH, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    # Who decided, and how it came about, as the therapist tells it.
    ending_words = models.TextField(
        max_length=ENDING_LENGTH, validators=[MaxLengthValidator(ENDING_LENGTH)], blank=True, db_default=""
    )
    continues = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="continued_by"
    )
    later_therapists = ArrayField(models.UUIDField(), default=list, db_default=[], blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

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
            models.CheckConstraint(
                name="clients_episode_words_of_an_ending", condition=Q(ending_words="") | ~Q(ending="")
            ),
            models.CheckConstraint(
                name="clients_episode_handed_over_is_transferred",
                condition=Q(later_therapists=[]) | Q(ending=Ending.TRANSFERRED),
            ),
            models.CheckConstraint(name="clients_episode_continues_another", condition=~Q(continues=F("id"))),
        ]
        indexes = [models.Index(fields=["therapist", "ended_on"], name="clients_episode_caseload")]

    def __str__(self) -> str:
        return f"{self.client} from {self.started_on}"

    @property
    def is_open(self) -> bool:
        return self.ended_on is None

    @property
    def is_handed_over(self) -> bool:
        return bool(self.later_therapists)

    @property
    def responsible_id(self) -> uuid.UUID | None:
        """In whose name it is written in: the therapist's, and nobody's once it was handed over."""
        return None if self.is_handed_over else self.therapist_id

    @property
    def now_with_id(self) -> uuid.UUID:
        """The therapist whom the client has now, as far as this episode knows: who took over last, or its own."""
        return self.later_therapists[0] if self.is_handed_over else self.therapist_id
