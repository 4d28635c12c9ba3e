from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel
from clients.models import Episode


class EpisodeSummary(OrganisationModel):
    """What the caseload asks of an episode's sessions and trends, kept by the job that keeps the trends.

    Days stand in it as dates: how many they are ago is worked out when somebody looks. The database counts up
    `input_version` with every change to the episode's sessions; `series_version` is that of the trends.
    """

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="summary")
    input_version = models.PositiveIntegerField(default=1, db_default=1)
    computed_version = models.PositiveIntegerField(default=0, db_default=0)
    series_version = models.PositiveIntegerField(default=0, db_default=0)
    session_count = models.PositiveIntegerField(default=0, db_default=0)
    # The number of the latest session of the therapy itself.
    session_number = models.PositiveIntegerField(default=0, db_default=0)
    last_planned_on = models.DateField(null=True, blank=True)
    last_seen_on = models.DateField(null=True, blank=True)
    usual_gap = models.PositiveIntegerField(null=True, blank=True)
    # One [day, whether there is a rating by the client] per latest session that took place, in their order; null where
    # none was asked for.
    asked = models.JSONField(default=list, db_default=[], blank=True)
    # Of the client's latest rating of the bond, on 0 to 10, and its change since the one before.
    bond = models.FloatField(null=True, blank=True)
    bond_change = models.FloatField(null=True, blank=True)
    # What the trends say of themselves, without any signal, where that is worth a look.
    worth_a_look = models.CharField(max_length=200, blank=True, default="", db_default="")
    # What its row shows: the instrument's code, the latest value of each component, the points of the one in question,
    # and what changed in words, with the signals that stand.
    shown = models.JSONField(default=dict, db_default={}, blank=True)
    # The next four the database reads anew whenever one of them is decided: signals that wait for an answer, and the
    # day of the session of the longest open rupture that is not answered with one of them; whether anybody looked at
    # an objective of the engagement phase, and whether one is missing while nothing has been challenged.
    new_signals = models.PositiveIntegerField(default=0, db_default=0)
    rupture_since = models.DateField(null=True, blank=True)
    has_objective = models.BooleanField(default=False, db_default=False)
    lacks_objective = models.BooleanField(default=True, db_default=True)
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dashboards_summary_not_ahead", condition=Q(computed_version__lte=F("input_version"))
            ),
            models.CheckConstraint(
                name="dashboards_summary_bond_0_to_10", condition=Q(bond=None) | Q(bond__gte=0, bond__lte=10)
            ),
        ]
