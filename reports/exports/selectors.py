"""Reads of exports: who asked sees them, nobody else."""

from django.db.models import QuerySet

from accounts.models import User
from jobs.models import Job

from ..models import Export
from .actions import MAKE


def exports(user: User) -> QuerySet[Export]:
    """What a person has asked for, the latest first."""
    return Export.objects.filter(created_by=user).select_related("created_by", "client").order_by("-created_at")


def is_stopped(export: Export) -> bool:
    """Its work was given up after several attempts, and nobody has asked for it since."""
    if not export.is_under_way:
        return False
    latest = Job.objects.filter(task=MAKE, object_id=export.pk).order_by("-requested_at", "-available_at").first()
    return latest is not None and latest.failed_at is not None
