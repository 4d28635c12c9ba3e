from django.db.models import QuerySet

from accounts.models import User

from .models import TherapySession


def sessions(user: User) -> QuerySet[TherapySession]:
    return TherapySession.objects.visible_to(user).select_related("episode__client", "episode__therapist")
