"""The second step of sign-in: an app that shows codes, a passkey, or one of ten codes on paper. By django-allauth.

What is ours: seeds are encrypted with the keys of `accounts.encryption`, each for its person; a code of the app counts
once, in whichever way it is written; guesses are counted where they can lock out only whoever has the password.
"""

import base64
import binascii
import time
import unicodedata
import uuid
from typing import Any

import segno
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError

from .encryption import EncryptionProblem, NotGenuine, Sealed, decrypt, encrypt
from .models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Where the secret of a factor stands in its row.
SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}
# In the session, sealed: the seed that is shown, until the first code of it is right.
NEW_SEED = "new-seed"
WRONG = "This code is not right, or was used before. Wait for the next one and type that."
TOO_MANY = "There were too many tries. Wait five minutes, then try again."
TOO_MANY_TODAY = (
    "There were too many wrong codes today: somebody may know your password. Ask an administrator for a new one."
)
# Of one machine, and of one person from all machines: only whoever has the password comes so far as to guess a code.
GUESSES = {"guess": "20/5m/ip", "guess-of-person": "100/d/key"}


def has_second_factor(user: User) -> bool:
    """Whether a second step is asked of this person. The sign-in's backend has asked it with the person."""
    found = getattr(user, "has_factor", None)
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists() if found is None else found)


def must_set_up(user: User) -> bool:
    """Whether the organisation asks a second factor of this person, who has none yet."""
    return user.needs_second_factor and not has_second_factor(user)


def kinds_of(user: User) -> set[str]:
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def note_used(user: User, counter: int) -> None:
    """The code by which an app was set up is not one to sign in with."""
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    factor.data["used"] = counter
    factor.save(update_fields=["data"])


# --- Secrets ------------------------------------------------------------------------------------------------


def place_of(user_id: uuid.UUID) -> tuple[str, ...]:
    """A secret opens for its person alone: it is written before its row has a key."""
    return (Authenticator._meta.db_table, "data", str(user_id))


def seal(text: str, user_id: uuid.UUID) -> str:
    """As JSON can hold it, with the person in front. Raises EncryptionProblem."""
    return f"{user_id}:{base64.b64encode(encrypt(text, place_of(user_id))).decode()}"


def parts_of(sealed: str) -> tuple[uuid.UUID, Sealed]:
    """The person and the encrypted text. Raises NotGenuine."""
    user_id, _, encoded = sealed.partition(":")
    try:
        return uuid.UUID(user_id), Sealed(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error):
        raise NotGenuine("The secret of a factor does not look as one does.") from None


def unseal(sealed: str) -> str:
    """Raises EncryptionProblem."""
    user_id, text = parts_of(sealed)
    return decrypt(text, place_of(user_id))


def check_place(factor: Authenticator) -> None:
    """That the secret in this row is its person's and not one that was copied here. Raises NotGenuine."""
    name = SECRETS.get(factor.type)
    if name and parts_of(factor.data[name])[0] != factor.user_id:
        raise NotGenuine("The secret of a factor is somebody else's.")


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return seal(text, context.request.user.pk)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        svg: str = segno.make(url, error="m").svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
        return svg

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return "Passkey" if not count else f"Passkey {count + 1}"


# --- Codes --------------------------------------------------------------------------------------------------


def clock() -> float:
    return time.time()


def digits_of(typed: str) -> str:
    """The digits of a code, whatever stands between them and in whatever script they are written."""
    found = (unicodedata.decimal(sign, None) for sign in unicodedata.normalize("NFKC", typed))
    return "".join(str(digit) for digit in found if digit is not None)


def counter_of(secret: str, code: str) -> int | None:
    """The half minute (of those that count now) whose code this is."""
    now = int(clock()) // app_settings.TOTP_PERIOD
    around = range(now - app_settings.TOTP_TOLERANCE, now + app_settings.TOTP_TOLERANCE + 1)
    return next((each for each in around if format_hotp_value(hotp_value(secret, each)) == code), None)


def use_code(user: User, typed: str) -> Authenticator | None:
    """The factor that this code is of; None where it is none's, or was used before.

    A code of the app counts only after the one that was used last (RFC 6238, section 5.2); its row is held meanwhile,
    so that of two requests with the same code the later one finds it used. Raises EncryptionProblem.
    """
    code = digits_of(typed)
    kinds = {app_settings.TOTP_DIGITS: Authenticator.Type.TOTP}
    kinds[app_settings.RECOVERY_CODE_DIGITS] = Authenticator.Type.RECOVERY_CODES
    factor = Authenticator.objects.select_for_update().filter(user=user, type=kinds.get(len(code), "")).first()
    if factor is None:
        return None
    check_place(factor)
    if factor.type == Authenticator.Type.RECOVERY_CODES:
        return factor if factor.wrap().validate_code(code) else None
    counter = counter_of(unseal(factor.data["secret"]), code)
    if counter is None or counter <= factor.data.get("used", -1):
        return None
    factor.data["used"] = counter
    factor.save(update_fields=["data"])
    return factor


class Guess:
    """One try at a code, counted before it is looked at. Raises ValidationError when there were too many."""

    def __init__(self, user: User) -> None:
        self.counted = []
        for action, said in (("guess", TOO_MANY), ("guess-of-person", TOO_MANY_TODAY)):
            counted = ratelimit.consume(
                context.request, app="accounts", action=action, config=GUESSES, key=str(user.pk), user=user
            )
            if counted is None:
                raise ValidationError(said)
            self.counted.append(counted)

    def was_right(self) -> None:
        """Takes back this count and no other, so that a right code does not pay for wrong ones."""
        for counted in self.counted:
            counted.rollback()


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=60,
        label="Code",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
        error_messages={"required": "Enter the code."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user


class SecondStepForm(CodeForm):
    authenticator: Authenticator

    def clean_code(self) -> str:
        guess = Guess(self.user)
        try:
            factor = use_code(self.user, self.cleaned_data["code"])
        except EncryptionProblem as problem:
            raise ValidationError(f"The code can’t be checked. {problem.advice}") from None
        if factor is None:
            raise ValidationError(WRONG)
        guess.was_right()
        factor.user = self.user
        self.authenticator = factor
        return ""

    def save(self) -> None:
        post_authentication(context.request, self.authenticator)


class SecondStepAgainForm(SecondStepForm):
    def save(self) -> None:
        post_authentication(context.request, self.authenticator, reauthenticated=True)


class SetUpAppForm(CodeForm):
    """The seed is in the session from when the page is shown until its first code is right."""

    code = forms.CharField(
        max_length=60,
        label="The code that the app shows now",
        widget=CodeForm.base_fields["code"].widget,
        error_messages={"required": "Enter the code."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Made only where there is none: a page that was loaded again shows the same, and what was scanned fits.
        kept = context.request.session.get(NEW_SEED)
        self.secret = unseal(kept) if kept else generate_totp_secret()
        if not kept:
            context.request.session[NEW_SEED] = seal(self.secret, self.user.pk)
        self.counter: int | None = None

    def clean_code(self) -> str:
        guess = Guess(self.user)
        self.counter = counter_of(self.secret, digits_of(self.cleaned_data["code"]))
        if self.counter is None:
            raise ValidationError(
                "This code is not right. Check that the app shows it for this account and that the clock of the "
                "phone is right, then type the next one."
            )
        guess.was_right()
        return ""


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            max_length=60,
            required=False,
            label="Name",
            help_text="So that you know it again, for example “Laptop” or “Key on my ring”.",
        )
