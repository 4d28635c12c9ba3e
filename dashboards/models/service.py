from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User
from clients.models import Episode, Modality

from .. import service_periods as periods


class EpisodeFacts(OrganisationModel):
    """What the service's charts need of one episode, read from the base tables once a night: `dashboards.facts`."""

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="facts")
    body = models.JSONField()
    computed_at = models.DateTimeField(db_default=Now())


class ServiceSummaryQuerySet(models.QuerySet["ServiceSummary"]):
    def visible_to(self, user: User) -> "ServiceSummaryQuerySet":
        """Supervisors and administrators of the service read its summaries; nobody else does."""
        return self if user.is_supervisor or user.is_administrator else self.none()


class ServiceSummary(OrganisationModel):
    """The figures of every chart for one period and one modality, all modalities where that is empty.

    What must not be seen is not in `body`: cells that are too small, and those from which they could be worked out,
    were left out of all bodies together when these were written. `n` is empty where it was left out.
    """

    kind = models.CharField(max_length=10, choices=list(periods.KINDS.items()))
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    modality = models.CharField(max_length=20, choices=Modality, blank=True)
    n = models.PositiveIntegerField(null=True, blank=True)
    body = models.JSONField()
    computed_at = models.DateTimeField(db_default=Now())

    objects = ServiceSummaryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "starts_on", "modality"],
                nulls_distinct=False,
                name="dashboards_summary_once",
            ),
            models.CheckConstraint(
                name="dashboards_summary_days_of_period",
                condition=Q(kind=periods.ALL, starts_on=None, ends_on=None)
                | (Q(kind__in=[periods.YEAR, periods.QUARTER]) & Q(starts_on__lt=F("ends_on"))),
            ),
            models.CheckConstraint(
                name="dashboards_summary_modality_known", condition=Q(modality__in=["", *Modality.values])
            ),
        ]

    @property
    def period(self) -> periods.Period:
        return periods.Period(self.kind, self.starts_on, self.ends_on)


class ServiceRun(OrganisationModel):
    """All summaries of the organisation worked out anew, a few episodes a step, going on from `last_episode`.

    `tables` say, once all facts are there, what may be seen of them: the last step but one.
    """

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    last_episode = models.UUIDField(null=True, blank=True)
    tables = models.JSONField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(finished_at=None), name="dashboards_run_one_under_way"
            ),
            models.CheckConstraint(name="dashboards_run_done_within", condition=Q(done__lte=F("total"))),
        ]
