"""The engagement phase of an episode: three objectives, what both sides expect, and what is needed."""

from functools import reduce
from operator import or_

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User

from .. import engagement
from .agreements import OfEpisodeQuerySet, words_field
from .episodes import Episode


class ObjectiveCode(models.TextChoices):
    SAFE_SPACE = engagement.SAFE_SPACE.code, "A safe space"
    PARTNERSHIP = engagement.PARTNERSHIP.code, "A collaborative partnership"
    PROBLEM = engagement.PROBLEM.code, "Agreement that a problem exists"


def barriers_of_the_objective() -> Q:
    return reduce(
        or_,
        (
            Q(objective=objective.code, barriers__contained_by=list(objective.barriers))
            for objective in engagement.OBJECTIVES
        ),
    )


class EngagementObjective(OrganisationModel):
    """How far one of the three objectives is there, by what evidence, and what stands in its way."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="objectives")
    objective = models.CharField(max_length=12, choices=ObjectiveCode)
    level = models.PositiveSmallIntegerField(validators=[MaxValueValidator(max(engagement.LEVELS))])
    evidence = words_field(blank=True)
    barriers = models.JSONField(default=list, blank=True)
    assessed_on = models.DateField()
    assessed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects = OfEpisodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["episode", "objective"], name="clients_objective_once"),
            models.CheckConstraint(name="clients_objective_level_to_4", condition=Q(level__lte=4)),
            models.CheckConstraint(
                name="clients_objective_known_with_its_barriers", condition=barriers_of_the_objective()
            ),
        ]

    def __str__(self) -> str:
        return self.get_objective_display()

    @property
    def is_there(self) -> bool:
        return self.level >= engagement.THERE

    @property
    def level_in_words(self) -> str:
        return engagement.LEVELS[self.level]

    @property
    def barriers_in_words(self) -> list[str]:
        names = engagement.BY_CODE[self.objective].barriers
        return [names[code] for code in self.barriers]


class Expectations(OrganisationModel):
    """The roles of both and what each expects of the other, as they were talked about."""

    episode = models.OneToOneField(Episode, on_delete=models.PROTECT, related_name="expectations")
    clients_role = words_field(blank=True)
    therapists_role = words_field(blank=True)
    client_expects = words_field(blank=True)
    therapist_expects = words_field(blank=True)
    agreed_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfEpisodeQuerySet.as_manager()

    def __str__(self) -> str:
        return "What you expect of each other"

    @property
    def parts(self) -> list[tuple[str, str]]:
        """What is written down, under the words of its field."""
        return [
            (label, text)
            for label, text in (
                ("What the client does", self.clients_role),
                ("What the therapist does", self.therapists_role),
                ("The client expects", self.client_expects),
                ("The therapist expects", self.therapist_expects),
            )
            if text
        ]


class NeedsAssessment(OrganisationModel):
    """What the client needs, and what there is to build on."""

    episode = models.OneToOneField(Episode, on_delete=models.PROTECT, related_name="needs")
    needs = words_field()
    strengths = words_field(blank=True)
    assessed_on = models.DateField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfEpisodeQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="clients_needs_given", condition=~Q(needs=""))]

    def __str__(self) -> str:
        return "What is needed"
