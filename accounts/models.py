import hashlib
import uuid
import zoneinfo
from datetime import date, timedelta
from functools import cache
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop

from .mail import check_neutral

# Reads a folder, and what is in it does not change while the product runs.
time_zones = cache(zoneinfo.available_timezones)


def check_time_zone(value: str) -> None:
    if value not in time_zones():
        raise ValidationError("There is no time zone of this name. Examples: Europe/London, America/New_York.")


# Until a service has written its own it is shown in the client's language.
EMERGENCY_TEXT = gettext_noop(
    "Nobody watches these answers around the clock. If you are in danger or might harm yourself, call the "
    "emergency number where you are, now."
)

RISK_TEXT = "Contact the client as soon as you can. Follow your service’s own procedure for risk. Tell your supervisor."

MAIL_SUBJECT = "A short question for you"
LONGEST_DELAY, LONGEST_REMINDER = 72, 167
# One day after a link is made: links work for seven days.
REMINDER = 144
SHORTEST_NOTICE, NOTICE_DAYS = 7, 30


class SignalRate(models.TextChoices):
    """How often a signal may be wrong; the names of `measures.statistics.rates`."""

    STRICTER = "stricter", "Stricter: about 1 false alarm in 240 looks at a steady course"
    DEFAULT = "default", "Default: about 1 in 120"
    LOOSER = "looser", "Looser: about 1 in 60"


class SignalPreset(models.TextChoices):
    """The rule behind signals: ours, or a family of published ones; the names of `ruptures.detection.PRESETS`."""

    OURS = "", "Below what was expected of the client: ours, at the rate above"
    GUMZ_LENIENT = "gumz-lenient", "A fall of 1 SD from one session to the next, after Gumz et al. 2012"
    GUMZ_STRICT = "gumz-strict", "A fall of 2 SD from one session to the next, after Gumz et al. 2012"
    OWN_SERIES = "own-series", "A fall of 1.5 of the client’s own SD that is also a reliable change"


class SecondFactorFor(models.TextChoices):
    """Of whom a second step is asked at sign-in; anybody may set one up."""

    NOBODY = "nobody", "Nobody; whoever wants to may set it up"
    OVERSEERS = "overseers", "Supervisors and administrators"
    EVERYBODY = "everybody", "Everybody"


class Organisation(models.Model):
    """A service: the people who work there and everything they record. Nothing is shared between two."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, default="Europe/London", validators=[check_time_zone])
    emergency_text = models.TextField(max_length=600, default=EMERGENCY_TEXT)
    signal_rate = models.CharField(
        max_length=10, choices=SignalRate, default=SignalRate.DEFAULT, db_default=SignalRate.DEFAULT
    )
    signal_preset = models.CharField(
        max_length=20, choices=SignalPreset, default=SignalPreset.OURS, db_default=SignalPreset.OURS, blank=True
    )
    # What whoever acknowledges a risk answer is asked to do, and how long it may wait until it is passed on.
    risk_text = models.TextField(max_length=2000, blank=True, default="", db_default="")
    risk_hours = models.PositiveSmallIntegerField(
        default=24, db_default=24, validators=[MinValueValidator(1), MaxValueValidator(168)]
    )
    # How many sessions the engagement phase is given.
    engagement_sessions = models.PositiveSmallIntegerField(
        default=5, db_default=5, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    # In the session, on the therapist's screen.
    shows_clients_chart = models.BooleanField(default=True, db_default=True)
    # Of the e-mails that bring clients their links. No name stands in them unless one is given here.
    mail_name = models.CharField(max_length=60, blank=True, db_default="", validators=[check_neutral])
    mail_subject = models.CharField(
        max_length=80, default=MAIL_SUBJECT, db_default=MAIL_SUBJECT, validators=[check_neutral]
    )
    # From making a link to sending it, and from the reminder to the link's end; 0 is at once, and never.
    mail_delay_hours = models.PositiveSmallIntegerField(
        default=0, db_default=0, validators=[MaxValueValidator(LONGEST_DELAY)]
    )
    mail_reminder_hours = models.PositiveSmallIntegerField(
        default=REMINDER, db_default=REMINDER, validators=[MaxValueValidator(LONGEST_REMINDER)]
    )
    # Years from the end of somebody's last episode to the erasure of their record; nobody is erased where none are set.
    # What is due is shown for so many days before.
    retention_years = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    retention_notice_days = models.PositiveSmallIntegerField(
        default=NOTICE_DAYS,
        db_default=NOTICE_DAYS,
        validators=[MinValueValidator(SHORTEST_NOTICE), MaxValueValidator(365)],
    )
    second_factor_for = models.CharField(
        max_length=10, choices=SecondFactorFor, default=SecondFactorFor.OVERSEERS, db_default=SecondFactorFor.OVERSEERS
    )
    is_demo = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="accounts_organisation_risk_hours_1_to_168", condition=Q(risk_hours__gte=1, risk_hours__lte=168)
            ),
            models.CheckConstraint(
                name="accounts_organisation_signal_rate_known", condition=Q(signal_rate__in=SignalRate.values)
            ),
            models.CheckConstraint(
                name="accounts_organisation_signal_preset_known", condition=Q(signal_preset__in=SignalPreset.values)
            ),
            models.CheckConstraint(
                name="accounts_organisation_engagement_1_to_20",
                condition=Q(engagement_sessions__gte=1, engagement_sessions__lte=20),
            ),
            models.CheckConstraint(
                name="accounts_organisation_second_factor_for_known",
                condition=Q(second_factor_for__in=SecondFactorFor.values),
            ),
            models.CheckConstraint(
                name="accounts_organisation_mail_hours",
                condition=Q(mail_delay_hours__lte=LONGEST_DELAY, mail_reminder_hours__lte=LONGEST_REMINDER),
            ),
            models.CheckConstraint(
                name="accounts_organisation_retention",
                condition=(Q(retention_years=None) | Q(retention_years__gte=1, retention_years__lte=100))
                & Q(retention_notice_days__gte=SHORTEST_NOTICE, retention_notice_days__lte=365),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def what_to_do_about_risk(self) -> str:
        return self.risk_text.strip() or RISK_TEXT

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def today(self) -> date:
        """The day it is where the organisation works."""
        return timezone.localdate(timezone=self.zone)


class OrganisationModel(models.Model):
    """A row that belongs to one organisation; row-level security keeps the others from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def check_values(self) -> None:
        """Validate what was typed. Uniqueness, references and constraints are stated, and kept, by the database."""
        relations = [field.name for field in self._meta.concrete_fields if field.is_relation]
        self.full_clean(exclude=relations, validate_unique=False, validate_constraints=False)


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, OrganisationModel):
    """A person who works in the organisation. Roles add up; a person without one can only sign in."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_therapist = models.BooleanField(default=False)
    is_supervisor = models.BooleanField(default=False)
    is_administrator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="accounts_user_email_lower", condition=Q(email=models.functions.Lower("email")))
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.email = (self.email or "").strip().lower()

    def get_full_name(self) -> str:
        return self.name

    @property
    def is_clinician(self) -> bool:
        return self.is_therapist or self.is_supervisor

    @property
    def needs_second_factor(self) -> bool:
        """Whether the organisation asks a second step of this person."""
        asked_of = self.organisation.second_factor_for
        oversees = self.is_supervisor or self.is_administrator
        return asked_of == SecondFactorFor.EVERYBODY or (asked_of == SecondFactorFor.OVERSEERS and oversees)

    @property
    def roles(self) -> list[str]:
        held = [
            ("therapist", self.is_therapist),
            ("supervisor", self.is_supervisor),
            ("administrator", self.is_administrator),
        ]
        return [name for name, is_held in held if is_held]


class SupervisionQuerySet(models.QuerySet["Supervision"]):
    def current(self) -> "SupervisionQuerySet":
        return self.filter(ended_at=None)


class Supervision(OrganisationModel):
    """One therapist supervised by one supervisor, from a day until it is ended."""

    supervisor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="supervisions_given")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="supervisions_received")
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = SupervisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["supervisor", "therapist"], condition=Q(ended_at=None), name="accounts_supervision_current_once"
            ),
            models.CheckConstraint(name="accounts_supervision_two_people", condition=~Q(supervisor=F("therapist"))),
            models.CheckConstraint(
                name="accounts_supervision_ended_by",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]


class CoverQuerySet(models.QuerySet["Cover"]):
    def in_force(self, today: date) -> "CoverQuerySet":
        return self.current(today).filter(starts_on__lte=today)

    def current(self, today: date) -> "CoverQuerySet":
        """In force or to come."""
        return self.filter(ended_at=None, ends_on__gte=today)


class Cover(OrganisationModel):
    """An absence: from the first day to the last, both included, `cover` reads and writes in the therapist's stead.

    The days are those of the organisation's time zone. Ended early, it has no effect from that moment on.
    """

    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="covers_received")
    cover = models.ForeignKey(User, on_delete=models.PROTECT, related_name="covers_given")
    starts_on = models.DateField()
    ends_on = models.DateField()
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = CoverQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["therapist", "cover", "starts_on"], condition=Q(ended_at=None), name="accounts_cover_once"
            ),
            models.CheckConstraint(name="accounts_cover_two_people", condition=~Q(cover=F("therapist"))),
            models.CheckConstraint(name="accounts_cover_ends_after_start", condition=Q(ends_on__gte=F("starts_on"))),
            models.CheckConstraint(
                name="accounts_cover_ended_by",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["cover", "ends_on"], condition=Q(ended_at=None), name="accounts_cover_standing")
        ]

    @property
    def has_begun(self) -> bool:
        return self.starts_on <= self.organisation.today

    @property
    def can_cover(self) -> bool:
        """Whether whoever covers still may: they have not left, nor changed their role."""
        return self.cover.is_active and self.cover.is_therapist


class Submission(OrganisationModel):
    """A form that was sent: its hidden key, and where the answer led. The same form sent twice writes once."""

    key = models.UUIDField()
    digest = models.CharField(max_length=64)
    location = models.CharField(max_length=300)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "key"], name="accounts_submission_once")]


class Scope(models.TextChoices):
    """What a token may be used for; what its person may not do, it may not either."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=Now(), person__is_active=True)


class ApiToken(OrganisationModel):
    """Lets a program act for a person through the API, until a day. Only its SHA-256 is kept, and the part that it is
    recognised by."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=5, choices=Scope)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    # To the minute.
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="accounts_apitoken_scope_known", condition=Q(scope__in=Scope.values)),
            models.CheckConstraint(
                name="accounts_apitoken_a_year_at_most",
                condition=Q(expires_at__lte=F("created_at") + timedelta(days=366)),
            ),
            models.CheckConstraint(
                name="accounts_apitoken_revoked_by",
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    @staticmethod
    def digest_of(text: str) -> str:
        """SHA-256. There are 256 random bits in it: nothing could be guessed from a bare hash."""
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def can_write(self) -> bool:
        return self.scope == Scope.WRITE


class Via(models.TextChoices):
    """How somebody came to a record."""

    PAGE = "page", "In the browser"
    API = "api", "Through the API"
    LINK = "link", "Through a client’s link"


class AuditEvent(OrganisationModel):
    """Who did what to which record, when, and from where. Added, never changed; holds no clinical content.

    The database numbers events, of all organisations together, in the order in which they are written: see `chain`.
    `via` is empty where no request was answered: jobs and commands.
    """

    number = models.BigIntegerField(editable=False, db_default=0)
    happened_at = models.DateTimeField(db_default=Now())
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.UUIDField()
    client_id = models.UUIDField(null=True, blank=True)
    fields = models.JSONField(default=list)
    via = models.CharField(max_length=4, choices=Via, blank=True, db_default="")
    address = models.GenericIPAddressField(null=True, blank=True)
    # As somebody gave it who had to give one.
    reason = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="accounts_auditevent_via_known", condition=Q(via__in=["", *Via.values])),
            models.CheckConstraint(
                name="accounts_auditevent_no_address_of_a_client", condition=~Q(via=Via.LINK) | Q(address=None)
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "client_id", "happened_at"], name="accounts_audit_client"),
            models.Index(fields=["organisation", "number"], name="accounts_audit_number"),
            models.Index(fields=["organisation", "happened_at", "number"], name="accounts_audit_time"),
            models.Index(fields=["organisation", "person", "happened_at", "number"], name="accounts_audit_person"),
            models.Index(fields=["organisation", "action", "happened_at", "number"], name="accounts_audit_action"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, force_insert=True)


class AuditSeal(OrganisationModel):
    """Some events of one organisation in a row, hashed, and the hash of the seal before: a chain. See `chain`.

    `rows` has 56 bytes for each event: its number, its id and the SHA-256 of what it says.
    """

    position = models.PositiveIntegerField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    first_number = models.BigIntegerField()
    last_number = models.BigIntegerField()
    last_happened_at = models.DateTimeField()
    rows = models.BinaryField()
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "position"], name="accounts_auditseal_once"),
            models.CheckConstraint(
                name="accounts_auditseal_in_order",
                condition=Q(position__gte=1, count__gte=1, first_number__lte=F("last_number")),
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, force_insert=True)


class AuditMark(OrganisationModel):
    """How far the next seal reaches: events up to `number`, once no transaction older than `bound` is under way.

    One for each organisation, under its id.
    """

    number = models.BigIntegerField(null=True, blank=True)
    bound = models.BigIntegerField(null=True, blank=True)


class AuditCheck(OrganisationModel):
    """What the chain held against its seals showed the last time, and how far the next time has come.

    One for each organisation, under its id. `position`: the last seal that was looked at, 0 between two times.
    """

    position = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
