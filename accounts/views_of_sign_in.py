"""The second step of sign-in, what it is made of, and where somebody is signed in.

The flows are django-allauth's. Added here: the record, what ends other sessions, and 422 for what was refused.
"""

import uuid
from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from . import actions, selectors
from .http import SignedInRequest
from .second_factor import NEW_SEED, kinds_of, note_used
from .signed_in import device_in_words, ends_at, is_recent, row_of, seconds_left, sessions_of

APP, PASSKEY = "app", "passkey"


def refused(view: Any, context: dict[str, Any]) -> HttpResponse:
    response: HttpResponse = view.render_to_response(context, status=422)
    return response


class SecondStepView(AuthenticateView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = kinds_of(self.stage.login.user)
        shown = {"has_app": Authenticator.Type.TOTP in kinds, "has_passkey": Authenticator.Type.WEBAUTHN in kinds}
        return {**super().get_context_data(**kwargs), **shown}

    def form_invalid(self, form: Any) -> HttpResponse:
        actions.note_second_step_failed(by=self.stage.login.user)
        response: HttpResponse = super().form_invalid(form)
        return response


class SetUpAppView(ActivateTOTPView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "qr": mark_safe(context["totp_svg"])}  # noqa: S308 — drawn by ourselves  # nosec B308 B703

    def form_valid(self, form: Any) -> HttpResponse:
        user = self.request.user
        response: HttpResponse = super().form_valid(form)
        note_used(user, form.counter)
        self.request.session.pop(NEW_SEED, None)
        actions.note_factor_added(kind=APP, session_key=self.request.session.session_key, by=user)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return refused(self, self.get_context_data(form=form))


class RemoveAppView(DeactivateTOTPView):  # type: ignore[misc]
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        actions.note_factor_removed(kind=APP, by=self.request.user)
        return response


class AddPasskeyView(AddWebAuthnView):  # type: ignore[misc]
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        actions.note_factor_added(kind=PASSKEY, session_key=self.request.session.session_key, by=self.request.user)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return refused(self, {**self.get_context_data(), "form": form})


class RemovePasskeyView(RemoveWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        actions.note_factor_removed(kind=PASSKEY, by=self.request.user)
        return response


class NewCodesView(GenerateRecoveryCodesView):  # type: ignore[misc]
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        actions.note_codes_made(by=self.request.user)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return refused(self, self.get_context_data(form=form))


def page(view: Any) -> Any:
    """A form that is looked at and sent: django-allauth's views would know other methods, too."""
    return require_http_methods(["GET", "POST"])(view)


second_step = page(SecondStepView.as_view())
again_by_password = page(ReauthenticateView.as_view())
again_by_code = page(ReauthenticateByCodeView.as_view())
again_by_passkey = page(ReauthenticateWebAuthnView.as_view())
security = require_GET(IndexView.as_view())
set_up_app = page(SetUpAppView.as_view())
remove_app = page(RemoveAppView.as_view())
add_passkey = page(AddPasskeyView.as_view())
remove_passkey = page(RemovePasskeyView.as_view())
new_codes = page(NewCodesView.as_view())
recovery_codes = require_GET(ViewRecoveryCodesView.as_view())


@require_POST
def second_factor_remove(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    """A colleague lost theirs."""
    person = get_object_or_404(selectors.people(request.user), pk=person_id)
    edit = reverse("accounts:person-edit", args=[person.pk])
    if not is_recent(request):
        return redirect(f"{reverse('account_reauthenticate')}?next={edit}")
    actions.remove_second_factor(person=person, by=request.user)
    messages.success(request, f"{person.name} signs in with the password alone until they set up a second step again.")
    return redirect(edit)


# --- Where somebody is signed in --------------------------------------------------------------------------------


@require_GET
def session_list(request: SignedInRequest) -> HttpResponse:
    rows = [
        {
            "row": row,
            "device": device_in_words(row.user_agent),
            "is_this": row.session_key == request.session.session_key,
        }
        for row in sessions_of(request.user)
    ]
    return render(request, "accounts/session_list.html", {"sessions": rows, "others": len(rows) - 1})


@require_POST
def session_end(request: SignedInRequest, row_id: int) -> HttpResponse:
    others = sessions_of(request.user).exclude(session_key=request.session.session_key)
    row = get_object_or_404(others, pk=row_id)
    actions.end_sessions(sessions=others.filter(pk=row.pk), by=request.user)
    messages.success(request, f"{device_in_words(row.user_agent)} is signed out.")
    return redirect("accounts:session-list")


@require_POST
def session_end_others(request: SignedInRequest) -> HttpResponse:
    others = sessions_of(request.user).exclude(session_key=request.session.session_key)
    count = actions.end_sessions(sessions=others, by=request.user)
    messages.success(request, "You are signed in here alone." if count else "You were signed in nowhere else.")
    return redirect("accounts:session-list")


@require_GET
def session_left(request: SignedInRequest) -> HttpResponse:
    """For the page's clock: how long until this session ends, as work in another tab may have put it off."""
    row = row_of(request)
    if row is None:
        return JsonResponse({"seconds": 0, "stay": False})
    return JsonResponse({"seconds": seconds_left(request, row), "stay": ends_at(request, row)[1]})


@require_POST
def session_stay(request: SignedInRequest) -> HttpResponse:
    """Somebody is still there: the request itself says so."""
    return HttpResponse(status=204)
