"""Sign-in by django-allauth, with the organisation found first."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation

from .audit import record_event
from .middleware import SESSION_KEY
from .models import Supervision, User
from .second_factor import FACTORS
from .signed_in import begin, end, is_recent


def record_failure(address: str) -> None:
    """That somebody tried to sign in as one of our people; of an address that is nobody's nothing is kept."""
    person = User.objects.filter(email=address.strip().lower()).first()
    if person:
        record_event("person.sign-in-failed", person, organisation_id=person.organisation_id, by=None)


class OrganisationBackend(AuthenticationBackend):  # type: ignore[misc]
    """Enters the organisation that the address belongs to before anybody is looked for in it."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        address = str(credentials.get("email") or credentials.get("username") or "")
        set_organisation(jobs.organisation_of(kind=Route.Kind.EMAIL, value=address))
        user = super().authenticate(request, **credentials)
        if not isinstance(user, User):
            # allauth keeps aside whom it knows to be inactive, to tell them so; here they are strangers.
            self.unstash_authenticated_user()
            record_failure(address)
            set_organisation(None)
            return None
        return user

    def get_user(self, user_id: Any) -> User | None:
        """Asks with the person whether anybody supervises them, or did: then there are pages of that for them; and
        whether they have a second factor."""
        received = Supervision.objects.filter(therapist=OuterRef("pk"))
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
        found = User.objects.select_related("organisation").annotate(
            has_supervision=Exists(received), has_factor=Exists(factors)
        )
        user = found.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: User, password: str) -> None:
        """The password alone: the rest of this row may have been changed since it was read. Other sessions end."""
        user.set_password(password)
        user.save(update_fields=["password"])
        end(UserSession.objects.filter(user=user).exclude(session_key=context.request.session.session_key))
        record_event("person.password-changed", user, organisation_id=user.organisation_id, by=user)

    def is_password_of(self, request: HttpRequest, user: User, password: str) -> bool:
        """Ask for the password once more. What is wrong is counted and kept as at sign-in, and locks nobody out.

        Raises ValidationError after too many from one address.
        """
        found = self.authenticate(request, email=user.email, password=password)
        set_organisation(user.organisation_id)
        return found is not None and found.pk == user.pk

    def reauthenticate(self, user: User, password: str) -> bool:
        return self.is_password_of(context.request, user, password)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Sign-in counts as well as having been asked again."""
        return not is_recent(context.request)

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> Any:
        """The password was right. Between here and the second step the session knows the organisation and nobody."""
        request.session[SESSION_KEY] = str(user.organisation_id)
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        request.session[SESSION_KEY] = str(user.organisation_id)
        begin(request)
        record_event("person.signed-in", user, organisation_id=user.organisation_id, by=user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        if isinstance(user, User):
            record_event("person.signed-out", user, organisation_id=user.organisation_id, by=user)
        super().logout(request)
