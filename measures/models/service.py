"""What a service rates with: what is on, under which licence, in which words, and when."""

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.models import OrganisationModel, User
from clients.models import Episode

from ..battery import ASKED, LEAST, MOST, WORDS, Entry, Rhythm

STATEMENT_LENGTH = 2_000
NOTICE_LENGTH = 200
RATERS = [(rater, rater.capitalize()) for rater in ASKED]
# What a service chooses from; to leave something out is for one client.
RHYTHMS = [(rhythm.value, words) for rhythm, words in WORDS.items() if rhythm is not Rhythm.NEVER]


class Licence(OrganisationModel):
    """What allows a service to use an instrument or its words, as somebody stated it. Never changed, only added to."""

    instrument = models.CharField(max_length=40)
    statement = models.TextField(max_length=STATEMENT_LENGTH, validators=[MaxLengthValidator(STATEMENT_LENGTH)])
    dated_on = models.DateField()
    name = models.CharField(max_length=120)
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="measures_licence_stated", condition=~Q(statement="") & ~Q(name="")),
        ]


class InstrumentUse(OrganisationModel):
    """That an instrument was switched on or off here; without a row it is as its file says."""

    instrument = models.CharField(max_length=40)
    is_on = models.BooleanField()
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "instrument"], name="measures_use_once"),
        ]


class Wording(OrganisationModel):
    """The words of one edition in one language, as the service's licence lets it show them.

    The database lets nobody change them: other words are another version, and ratings keep theirs.
    """

    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=RATERS)
    edition_version = models.CharField(max_length=10)
    language = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    # One [text, words at the lowest answer, words at the highest] per item, in order; ends may be empty.
    items = models.JSONField()
    introduction = models.TextField(max_length=STATEMENT_LENGTH, blank=True)
    notice = models.CharField(max_length=NOTICE_LENGTH, blank=True)
    licence = models.ForeignKey(Licence, on_delete=models.PROTECT, related_name="wordings")
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "instrument", "rater", "edition_version", "language", "version"],
                name="measures_wording_version_once",
            ),
            models.UniqueConstraint(
                fields=["organisation", "instrument", "rater", "edition_version", "language"],
                condition=Q(ended_at=None),
                name="measures_wording_one_in_force",
            ),
            models.CheckConstraint(name="measures_wording_rater_known", condition=Q(rater__in=ASKED)),
            models.CheckConstraint(
                name="measures_wording_ended_by",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]


class BatteryEntry(OrganisationModel):
    """One line of a service's battery. A session owes what was in the battery when it was logged."""

    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=RATERS)
    rhythm = models.CharField(max_length=10, choices=RHYTHMS)
    every = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField(db_default=Now())
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["position", "added_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "instrument", "rater", "rhythm"],
                condition=Q(removed_at=None),
                name="measures_battery_entry_once",
            ),
            models.CheckConstraint(name="measures_battery_rater_known", condition=Q(rater__in=ASKED)),
            models.CheckConstraint(
                name="measures_battery_rhythm_known", condition=Q(rhythm__in=[value for value, _words in RHYTHMS])
            ),
            models.CheckConstraint(
                name="measures_battery_every_nth",
                condition=Q(rhythm="nth", every__isnull=False, every__gte=LEAST, every__lte=MOST)
                | (~Q(rhythm="nth") & Q(every=None)),
            ),
            models.CheckConstraint(
                name="measures_battery_removed_by",
                condition=Q(removed_at=None, removed_by=None) | Q(removed_at__isnull=False, removed_by__isnull=False),
            ),
        ]

    @property
    def entry(self) -> Entry:
        return Entry(self.instrument, self.rater, Rhythm(self.rhythm), self.every)


class BatteryOverrideQuerySet(models.QuerySet["BatteryOverride"]):
    def visible_to(self, user: User) -> "BatteryOverrideQuerySet":
        return self.filter(reach(user, "episode__therapist"))


class BatteryOverride(OrganisationModel):
    """What is otherwise for one client: an instrument added, left out, or rated in another rhythm."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="battery_overrides")
    instrument = models.CharField(max_length=40)
    rater = models.CharField(max_length=10, choices=RATERS)
    rhythm = models.CharField(max_length=10, choices=[(rhythm.value, words) for rhythm, words in WORDS.items()])
    every = models.PositiveSmallIntegerField(null=True, blank=True)
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = BatteryOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["changed_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["episode", "instrument", "rater"], name="measures_override_once"),
            models.CheckConstraint(name="measures_override_rater_known", condition=Q(rater__in=ASKED)),
            models.CheckConstraint(
                name="measures_override_rhythm_known", condition=Q(rhythm__in=[value.value for value in WORDS])
            ),
            models.CheckConstraint(
                name="measures_override_every_nth",
                condition=Q(rhythm="nth", every__isnull=False, every__gte=LEAST, every__lte=MOST)
                | (~Q(rhythm="nth") & Q(every=None)),
            ),
        ]

    @property
    def entry(self) -> Entry:
        return Entry(self.instrument, self.rater, Rhythm(self.rhythm), self.every)
