"""Sign-in by django-allauth, with the organisation found first."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation

from .audit import record_event
from .middleware import SESSION_KEY
from .models import User


class OrganisationBackend(AuthenticationBackend):  # type: ignore[misc]
    """Enters the organisation that the address belongs to before anybody is looked for in it."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        address = str(credentials.get("email") or credentials.get("username") or "")
        set_organisation(jobs.organisation_of(kind=Route.Kind.EMAIL, value=address))
        user = super().authenticate(request, **credentials)
        if not isinstance(user, User):
            # allauth keeps aside whom it knows to be inactive, to tell them so; here they are strangers.
            self.unstash_authenticated_user()
            set_organisation(None)
            return None
        return user

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("organisation").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        request.session[SESSION_KEY] = str(user.organisation_id)
        record_event("person.signed-in", user, organisation_id=user.organisation_id, by=user)
