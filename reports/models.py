from django.db import models
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User


class ImportBatch(OrganisationModel):
    """One file that was read in: what it was, what came of it. The report holds counts, never a rating."""

    file_name = models.CharField(max_length=200)
    file_hash = models.CharField(max_length=64)
    mapping = models.TextField()
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
