from dataclasses import fields
from datetime import datetime

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.access import reach
from accounts.models import OrganisationModel, User
from accounts.selectors import has_reader
from clients.models import Ending, Episode
from sessions_app.models import TherapySession

from .. import instruments, tokens
from ..statistics.prior import Prior
from .comments import ANSWER_LENGTH as ANSWER_LENGTH
from .comments import CommentFollowUp as CommentFollowUp
from .comments import RaisedBy as RaisedBy
from .invitations import Invitation as Invitation
from .risk import RiskAnswer as RiskAnswer
from .service import BatteryEntry as BatteryEntry
from .service import BatteryOverride as BatteryOverride
from .service import InstrumentUse as InstrumentUse
from .service import Licence as Licence
from .service import Wording as Wording

COMMENT_LENGTH = 2_000


class Rater(models.TextChoices):
    CLIENT = "client", "Client"
    THERAPIST = "therapist", "Therapist"
    OBSERVER = "observer", "Observer"


class EndingView(models.TextChoices):
    """The kinds of ending, as a client says how they see theirs."""

    PLANNED = Ending.PLANNED.value, gettext_lazy("We ended as we had planned")
    MUTUAL = Ending.MUTUAL.value, gettext_lazy("We agreed to end earlier")
    CLIENT = Ending.CLIENT.value, gettext_lazy("I decided to stop")
    SERVICE = Ending.SERVICE.value, gettext_lazy("The service ended it")
    TRANSFERRED = Ending.TRANSFERRED.value, gettext_lazy("I go on with somebody else")


class RatingQuerySet(models.QuerySet["Rating"]):
    def visible_to(self, user: User) -> "RatingQuerySet":
        return self.filter(reach(user, "session__episode__therapist"))

    def current(self) -> "RatingQuerySet":
        return self.filter(superseded_at=None)

    def sealed(self) -> "RatingQuerySet":
        """Clients' ratings of the alliance that wait for the therapist's own of the same session.

        They are shown, and counted in trends, once the therapist has rated or has chosen not to.
        """
        return self.filter(~has_therapists_own(), waits_for_therapist=True, session__waived_at=None)

    def unsealed(self) -> "RatingQuerySet":
        """All others."""
        return self.filter(is_unsealed())


def has_therapists_own(path: str = "") -> models.Exists:
    own = Rating.objects.filter(session=models.OuterRef(f"{path}session"), rater=Rater.THERAPIST, superseded_at=None)
    return models.Exists(own)


def is_unsealed(path: str = "") -> Q:
    """Asked of each rating: to exclude the sealed ones would find those of the whole service first.

    `path` leads from the row to its rating.
    """
    not_waiting = {f"{path}waits_for_therapist": False}
    waived = {f"{path}session__waived_at__isnull": False}
    return Q(**not_waiting) | Q(**waived) | Q(has_therapists_own(path))


class Rating(OrganisationModel):
    """One completion of one instrument by one rater for one session. Never edited; a correction supersedes it."""

    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="ratings")
    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=Rater)
    edition_version = models.CharField(max_length=10)
    # By item number; empty where a rating is known by its totals alone.
    answers = models.JSONField(blank=True)
    comment = models.TextField(max_length=COMMENT_LENGTH, validators=[MaxLengthValidator(COMMENT_LENGTH)], blank=True)
    do_not_raise = models.BooleanField(default=False)
    # From first opening the form to sending it; unknown where it was left and taken up again, or waited to be sent.
    seconds_taken = models.PositiveIntegerField(null=True, blank=True)
    # Asked beside the one question at the end of an episode.
    ending_view = models.CharField(max_length=12, choices=EndingView, blank=True, db_default="")
    submitted_at = models.DateTimeField(db_default=Now())
    submitted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The service's own words that were shown; of words that ship the edition's version says which.
    wording = models.ForeignKey(Wording, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # A client's rating of the alliance that came while the therapist was to rate the same session.
    waits_for_therapist = models.BooleanField(default=False, db_default=False)
    # Filled in on paper; `submitted_at` is then the day that stands there.
    entered_at = models.DateTimeField(null=True, blank=True)
    entered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    superseded_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="supersedes"
    )
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "instrument", "rater"],
                condition=Q(superseded_at=None),
                name="measures_rating_one_current",
            ),
            models.CheckConstraint(name="measures_rating_rater_known", condition=Q(rater__in=Rater.values)),
            models.CheckConstraint(
                name="measures_rating_clients_are_unsigned",
                condition=Q(rater="client") | Q(submitted_by__isnull=False),
            ),
            models.CheckConstraint(
                name="measures_rating_only_clients_wait", condition=Q(rater="client") | Q(waits_for_therapist=False)
            ),
            models.CheckConstraint(
                name="measures_rating_entered_by",
                condition=Q(entered_at=None, entered_by=None) | Q(entered_at__isnull=False, entered_by__isnull=False),
            ),
            models.CheckConstraint(
                name="measures_rating_ending_view_of_a_client",
                condition=Q(ending_view="") | Q(ending_view__in=EndingView.values, rater="client"),
            ),
        ]
        indexes = [
            # What clients have sent of late, for the page of today.
            models.Index(
                fields=["organisation", "submitted_at"],
                condition=Q(rater="client", superseded_at=None),
                name="measures_rating_latest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} by {self.rater}"

    @property
    def has_comment(self) -> bool:
        """Whether there are words with it. Who may read them: `measures.comments`."""
        return bool(self.comment)

    @property
    def asks_to_wait(self) -> bool:
        """Whether the client asked not to raise it yet, with or without words."""
        return self.do_not_raise


class Score(OrganisationModel):
    """One scale of one rating: the published total and the item mean, or neither and the reason."""

    rating = models.ForeignKey(Rating, on_delete=models.CASCADE, related_name="scores")
    scale = models.CharField(max_length=30)
    value = models.FloatField(null=True, blank=True)
    mean = models.FloatField(null=True, blank=True)
    is_prorated = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rating", "scale"], name="measures_score_scale_once"),
            models.CheckConstraint(
                name="measures_score_value_or_reason",
                condition=Q(value__isnull=False, mean__isnull=False, reason="")
                | (Q(value=None, mean=None) & ~Q(reason="")),
            ),
        ]


class RatingRequest(OrganisationModel):
    """A link for one rating. The token is made again from the nonce and the site's key; only its hash is stored."""

    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="rating_requests")
    instrument = models.CharField(max_length=40)
    nonce = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    redeemed_at = models.DateTimeField(null=True, blank=True)
    redeemed_key = models.UUIDField(null=True, blank=True)
    # Of what was sent with the key; empty where that was before digests were kept.
    redeemed_digest = models.CharField(max_length=64, blank=True)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "instrument"],
                condition=Q(revoked_at=None, redeemed_at=None),
                name="measures_request_one_open",
            ),
            models.CheckConstraint(name="measures_request_one_end", condition=Q(revoked_at=None) | Q(redeemed_at=None)),
            models.CheckConstraint(
                name="measures_request_revoked_by",
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="measures_request_redeemed_key",
                condition=Q(redeemed_at=None, redeemed_key=None)
                | Q(redeemed_at__isnull=False, redeemed_key__isnull=False),
            ),
        ]

    @property
    def now(self) -> datetime:
        """By the clock that says when links end, where it was asked: that of the database."""
        asked: datetime | None = getattr(self, "asked_at", None)
        return asked or timezone.now()

    @property
    def is_open(self) -> bool:
        is_unused = not self.revoked_at and not self.redeemed_at and self.expires_at > self.now
        return is_unused and has_reader(self.session.episode.therapist)

    @property
    def token(self) -> str | None:
        """None when the site's key changed since the link was made."""
        token = tokens.token_of(self.pk, self.nonce)
        return token if tokens.is_same(tokens.hash_of(token), self.token_hash) else None

    @property
    def mails(self) -> dict[str, Invitation]:
        """Its e-mails by kind: "first", "reminder"."""
        return {invitation.kind: invitation for invitation in self.invitations.all()}


class OwnMeasure(OrganisationModel):
    """A measure that the service uses and we do not ship, known by its total alone."""

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    construct = models.CharField(max_length=10, choices=[("alliance", "Alliance"), ("outcome", "Outcome")])
    low = models.FloatField()
    high = models.FloatField()
    higher_is_better = models.BooleanField()
    sd = models.FloatField(null=True, blank=True)
    reliability = models.FloatField(null=True, blank=True)
    licence = models.CharField(max_length=400)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "code"], name="measures_ownmeasure_code_once"),
            models.CheckConstraint(name="measures_ownmeasure_range", condition=Q(low__lt=F("high"))),
            models.CheckConstraint(
                name="measures_ownmeasure_construct_known", condition=Q(construct__in=["alliance", "outcome"])
            ),
            models.CheckConstraint(name="measures_ownmeasure_sd_positive", condition=Q(sd=None) | Q(sd__gt=0)),
            models.CheckConstraint(
                name="measures_ownmeasure_reliability_is_one",
                condition=Q(reliability=None) | Q(reliability__gte=0, reliability__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def as_instrument(self) -> instruments.Instrument:
        """The measure as the rest of the program knows instruments: no items, a total and its range."""
        edition = instruments.Edition(
            instrument=self.code,
            rater=Rater.CLIENT.value,
            version="1",
            items=(),
            minimum=self.low,
            maximum=self.high,
            step=1,
            reversed=frozenset(),
            scales={},
            scoring="mean",
            missing="complete",
            higher_is_better=self.higher_is_better,
            sd={} if self.sd is None else {instruments.TOTAL: self.sd},
            reliability={} if self.reliability is None else {instruments.TOTAL: self.reliability},
            psychometrics_source=self.licence,
            psychometrics_metric="mean",
        )
        return instruments.Instrument(self.code, self.name, self.construct, self.licence, {Rater.CLIENT.value: edition})


class ServicePrior(OrganisationModel):
    """What is usual in the service for one scale, in item means; the highest `version` is in force.

    Never changed once a trend was computed with it, but for the `n` of starting values: how many courses there are,
    of those that an estimate needs.
    """

    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=Rater)
    edition_version = models.CharField(max_length=10)
    scale = models.CharField(max_length=30)
    version = models.PositiveIntegerField(default=1)
    is_starting = models.BooleanField()
    n = models.PositiveIntegerField()
    mean = models.FloatField()
    sd_between = models.FloatField()
    within_sd = models.FloatField()
    within_sd_cv = models.FloatField()
    rise = models.FloatField()
    sd = models.FloatField(null=True, blank=True)
    reliability = models.FloatField(null=True, blank=True)
    # Within clients from session to session: with the rater's other scales, and with the same scale by the other rater.
    correlation_scales = models.FloatField(null=True, blank=True)
    correlation_raters = models.FloatField(null=True, blank=True)
    estimated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "instrument", "rater", "edition_version", "scale", "version"],
                name="measures_prior_version_once",
            ),
            models.CheckConstraint(
                name="measures_prior_spread_positive",
                condition=Q(sd_between__gt=0, within_sd__gt=0, within_sd_cv__gte=0),
            ),
            models.CheckConstraint(
                name="measures_prior_correlations",
                condition=(Q(correlation_scales=None) | Q(correlation_scales__gte=0, correlation_scales__lt=1))
                & (Q(correlation_raters=None) | Q(correlation_raters__gte=0, correlation_raters__lt=1)),
            ),
        ]

    @property
    def values(self) -> Prior:
        return Prior(**{field.name: getattr(self, field.name) for field in fields(Prior)})


class EpisodeSeries(OrganisationModel):
    """Which state of an episode's ratings exists, and which one the trends were computed from."""

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="series")
    input_version = models.PositiveIntegerField(default=1)
    computed_version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(db_default=Now())
    computed_at = models.DateTimeField(null=True, blank=True)
    # The session from which the baseline counts, once the therapist has set it anew.
    baseline_from = models.PositiveSmallIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="measures_series_not_ahead", condition=Q(computed_version__lte=F("input_version"))
            )
        ]
        indexes = [
            models.Index(
                fields=["organisation"],
                condition=Q(computed_version__lt=F("input_version")),
                name="measures_series_stale",
            )
        ]

    @property
    def is_updating(self) -> bool:
        return self.computed_version < self.input_version


class Trend(OrganisationModel):
    """The analysed series of one scale, rater and instrument in an episode, in item means."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="trends")
    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=Rater)
    scale = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    # One [session number, item mean or null] per planned meeting, as the analysis saw them.
    points = models.JSONField(default=list)
    n = models.PositiveSmallIntegerField()
    latest = models.FloatField(null=True, blank=True)
    latest_session = models.PositiveSmallIntegerField(null=True, blank=True)
    previous = models.FloatField(null=True, blank=True)
    change = models.FloatField(null=True, blank=True)
    change_from_first = models.FloatField(null=True, blank=True)
    baseline = models.FloatField(null=True, blank=True)
    baseline_low = models.FloatField(null=True, blank=True)
    baseline_high = models.FloatField(null=True, blank=True)
    slope = models.FloatField(null=True, blank=True)
    slope_low = models.FloatField(null=True, blank=True)
    slope_high = models.FloatField(null=True, blank=True)
    reliable_criterion = models.FloatField(null=True, blank=True)
    is_reliable = models.BooleanField(null=True, blank=True)
    notes = models.JSONField(default=list)
    # With what the sessions below were judged; empty where nothing is expected of a scale.
    prior = models.ForeignKey(ServicePrior, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rate = models.CharField(max_length=10, blank=True, default="", db_default="")
    # One [session number, low, high] per session that was held against what was expected of it.
    expected = models.JSONField(default=list, db_default=[])
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="measures_trend_judged_with_both",
                condition=Q(prior=None, rate="") | (Q(prior__isnull=False) & ~Q(rate="")),
            ),
            models.UniqueConstraint(
                fields=["episode", "instrument", "rater", "scale"], name="measures_trend_series_once"
            ),
            models.CheckConstraint(name="measures_trend_latest_from_1", condition=Q(n=0) | Q(latest__isnull=False)),
            models.CheckConstraint(
                name="measures_trend_reliable_pair",
                condition=Q(reliable_criterion=None, is_reliable=None)
                | Q(reliable_criterion__isnull=False, is_reliable__isnull=False),
            ),
        ]
