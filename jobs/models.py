"""The two tables that stand outside row-level security, because they are read before an organisation is known.

Neither holds anything clinical or readable: hashes, identifiers, names of tasks, times.
"""

import hashlib
import uuid

from django.db import models
from django.db.models.functions import Now


class Route(models.Model):
    """Leads from what a person brings (an address, a link, a token) to the organisation it belongs to."""

    class Kind(models.TextChoices):
        EMAIL = "email"
        LINK = "link"
        PERSON = "person"
        ORGANISATION = "organisation"
        TOKEN = "token"  # noqa: S105 — its kind  # nosec B105

    kind = models.CharField(max_length=12, choices=Kind)
    key = models.CharField(max_length=64)
    organisation_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="jobs_route_kind_key"),
            models.CheckConstraint(
                name="jobs_route_kind_known",
                condition=models.Q(kind__in=["email", "link", "person", "organisation", "token"]),
            ),
        ]

    @staticmethod
    def key_of(value: str) -> str:
        """SHA-256 of the value; e-mail addresses are compared without regard to case."""
        return hashlib.sha256(value.strip().lower().encode()).hexdigest()


class JobQuerySet(models.QuerySet["Job"]):
    def waiting(self) -> "JobQuerySet":
        return self.filter(handed_at=None, finished_at=None, failed_at=None)

    def under_way(self) -> "JobQuerySet":
        return self.filter(handed_at__isnull=False, finished_at=None, failed_at=None)

    def failed(self) -> "JobQuerySet":
        return self.filter(failed_at__isnull=False)


class Job(models.Model):
    """One piece of follow-up work: written in the transaction that needs it, handed to Celery by the relay.

    waiting (handed_at empty) → handed → started → finished, or waiting again after an error or a loss, or failed after
    five. An attempt counts from its start, so that work which kills its worker ends, too.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation_id = models.UUIDField()
    task = models.CharField(max_length=80)
    object_id = models.UUIDField()
    requested_at = models.DateTimeField(db_default=Now())
    available_at = models.DateTimeField(db_default=Now())
    handed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_error = models.CharField(max_length=80, db_default="")

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "object_id"],
                condition=models.Q(handed_at=None, finished_at=None, failed_at=None),
                name="jobs_job_one_waiting",
            ),
            models.CheckConstraint(
                name="jobs_job_one_end",
                condition=models.Q(finished_at=None) | models.Q(failed_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["available_at"],
                condition=models.Q(finished_at=None, failed_at=None),
                name="jobs_job_open",
            ),
            models.Index(
                fields=["finished_at"], condition=models.Q(finished_at__isnull=False), name="jobs_job_finished"
            ),
            models.Index(fields=["failed_at"], condition=models.Q(failed_at__isnull=False), name="jobs_job_failed"),
        ]


class PeriodicRun(models.Model):
    """One run of a periodic job. The pair is unique, so two beats start it once."""

    name = models.CharField(max_length=40)
    period_start = models.DateTimeField()
    started_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "period_start"], name="jobs_periodicrun_once")]
