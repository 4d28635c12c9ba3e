"""How long a password must be, after NIST SP 800-63B-4 (2025), section 3.1.1.2: 15 characters where it is alone, fewer
where a second factor stands beside it (8 there; 12 here). Nothing is asked of which signs it is made."""

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError

from .models import User
from .second_factor import FACTORS

ALONE, WITH_SECOND_FACTOR = 15, 12


class LengthValidator:
    def validate(self, password: str, user: User | None = None) -> None:
        least = least_length(user)
        if len(password) < least:
            raise ValidationError(
                f"This password is too short. It must have at least {least} characters.", code="password_too_short"
            )

    def get_help_text(self) -> str:
        return f"At least {ALONE} characters, or {WITH_SECOND_FACTOR} with a second step."


def least_length(user: User | None) -> int:
    """For this person, as the database has them now."""
    has_factor = user is not None and Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()
    return WITH_SECOND_FACTOR if has_factor else ALONE
