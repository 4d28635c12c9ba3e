import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from measures import risk

from . import actions, selectors
from .access import PAGES, may_open
from .forms import (
    AbsenceForm,
    ChoosePasswordForm,
    CoverForm,
    OrganisationForm,
    OrganisationPart,
    PersonEditForm,
    PersonForm,
    SupervisionForm,
    TokenForm,
    carry_out,
)
from .http import SignedInRequest, form_page, one_line
from .idempotency import StaleVersion, write_once
from .models import Cover, User
from .second_factor import has_second_factor
from .signed_in import ask_again, is_recent

HOMES = ("sessions_app:today", "dashboards:caseload", "administration:overview", "account")


@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    """The first page of the person's roles."""
    return redirect(next(name for name in HOMES if may_open(request.user, PAGES[name])))


@require_GET
def account(request: SignedInRequest) -> HttpResponse:
    return render(request, "accounts/account.html", account_context(request.user))


def account_context(user: User, form: AbsenceForm | None = None) -> dict[str, Any]:
    """The account, and for a therapist who covers while they are away."""
    if not user.is_therapist:
        return {}
    return {
        "form": form or AbsenceForm(colleagues=selectors.therapists(user).exclude(pk=user.pk)),
        "covers": selectors.covers_for(user),
        "covering": selectors.covers_by(user),
    }


@require_POST
def cover_start(request: SignedInRequest) -> HttpResponse:
    """The therapist's own absence."""
    form = AbsenceForm(request.POST, colleagues=selectors.therapists(request.user).exclude(pk=request.user.pk))

    def write() -> str:
        actions.start_cover(therapist=request.user, **form.values, by=request.user)
        return reverse("account") + "#away"

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, f"{form.values['cover'].name} covers for you on these days.")
        return redirect(location)
    return form_page(request, "accounts/account.html", account_context(request.user, form))


@require_POST
def cover_end(request: SignedInRequest, cover_id: uuid.UUID) -> HttpResponse:
    cover = get_object_or_404(selectors.covers_for(request.user), pk=cover_id)
    return take_back(request, cover, reverse("account") + "#away")


def take_back(request: SignedInRequest, cover: Cover, location: str) -> HttpResponse:
    actions.end_cover(cover=cover, by=request.user)
    away = "you" if cover.therapist == request.user else cover.therapist.name
    messages.success(request, f"{cover.cover.name} no longer covers for {away}.")
    return redirect(location)


@require_http_methods(["GET", "POST"])
def token_list(request: SignedInRequest) -> HttpResponse:
    """A person's own tokens, and the form that makes one. Its text is shown in the answer to that form alone."""
    form = TokenForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST":
        made = []

        def write() -> str:
            made.append(actions.make_token(**form.values, by=request.user))
            return reverse("accounts:token-list")

        # The password is no content: nothing is kept of it, not even a digest.
        sent = request.POST.copy()
        sent.pop("password", None)
        location = carry_out(form, lambda: write_once(sent, write, by=request.user))
        if location and made:
            token, text = made[0]
            return render(request, "accounts/token_made.html", {"token": token, "text": text})
        if location:
            messages.warning(request, "This form made a token before. It was shown then, and cannot be shown again.")
            return redirect(location)
    context = {"form": form, "tokens": selectors.tokens_of(request.user)}
    return form_page(request, "accounts/token_list.html", context)


@require_POST
def token_revoke(request: SignedInRequest, token_id: uuid.UUID) -> HttpResponse:
    token = get_object_or_404(selectors.tokens_of(request.user), pk=token_id)
    actions.revoke_token(token=token, by=request.user)
    messages.success(request, f"“{token.name}” no longer works.")
    return redirect("accounts:token-list")


PER_PAGE = 50


@require_GET
def person_list(request: SignedInRequest) -> HttpResponse:
    """Who works here: by name or address, by role, and apart from those who may not sign in any more."""
    search = one_line(request.GET.get("q", ""))
    role = request.GET.get("role", "")
    role = role if role in selectors.ROLES else ""
    show_left = request.GET.get("show") == "left"
    found = selectors.people_found(request.user, search=search, role=role, is_active=not show_left)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    counts = selectors.count_people(request.user)
    url = reverse("accounts:person-list")
    kept = {"show": "left" if show_left else "", "role": role, "q": search}
    context = {
        "page": page,
        "search": search,
        "role": role,
        "roles": selectors.ROLES.items(),
        "show_left": show_left,
        "to_hand_over": counts["to_hand_over"],
        "is_narrowed": bool(search or role),
        "query": "".join(f"{urlencode({name: value})}&" for name, value in kept.items() if value),
        "tabs": [
            {"label": "May sign in", "url": url, "current": not show_left, "count": counts["active"]},
            {"label": "May not", "url": f"{url}?show=left", "current": show_left, "count": counts["left"]},
        ],
        "risk_unread": risk.unread(request.user),
    }
    return render(request, "accounts/person_list.html", context)


@require_GET
def supervision_list(request: SignedInRequest) -> HttpResponse:
    return render(request, "accounts/supervision_list.html", supervision_context(request.user))


def supervision_context(user: User, **forms: BaseForm) -> dict[str, Any]:
    """Who supervises whom, who is not supervised, and who covers; `forms` are those that were refused."""
    return {
        "supervisions": selectors.supervisions(user),
        "alone": selectors.without_supervisor(user),
        "covers": selectors.covers(user),
        "supervision_form": SupervisionForm(people=selectors.active_people(user), auto_id="supervision_%s"),
        "cover_form": cover_form(user),
        **forms,
    }


def cover_form(user: User, data: Any = None) -> CoverForm:
    everybody = selectors.people(user).filter(is_therapist=True)
    return CoverForm(data, absent=everybody, colleagues=selectors.therapists(user), auto_id="cover_%s")


@require_POST
def person_cover_start(request: SignedInRequest) -> HttpResponse:
    """An absence that an administrator enters."""
    form = cover_form(request.user, request.POST)

    def write() -> str:
        actions.start_cover(**form.values, by=request.user)
        return reverse("accounts:supervision-list") + "#cover"

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, f"{form.values['cover'].name} covers for {form.values['therapist'].name}.")
        return redirect(location)
    context = supervision_context(request.user, cover_form=form) | {"form": form}
    return form_page(request, "accounts/supervision_list.html", context)


@require_POST
def person_cover_end(request: SignedInRequest, cover_id: uuid.UUID) -> HttpResponse:
    cover = get_object_or_404(selectors.covers(request.user), pk=cover_id)
    return take_back(request, cover, reverse("accounts:supervision-list") + "#cover")


@require_http_methods(["GET", "POST"])
def person_create(request: SignedInRequest) -> HttpResponse:
    if not is_recent(request):
        return ask_again(request.path)
    form = PersonForm(request.POST or None)
    if request.method == "POST":

        def write() -> str:
            person = actions.create_person(organisation=request.user.organisation, **form.values, by=request.user)
            return reverse("accounts:person-edit", args=[person.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, f"{form.values['name']} is added. Make a link with which they choose a password.")
            return redirect(location)
    return form_page(request, "accounts/person_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
def person_edit(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    person = get_object_or_404(selectors.people(request.user), pk=person_id)
    if not is_recent(request):
        return ask_again(request.path)
    shown = {name: getattr(person, name) for name in PersonEditForm.base_fields if name != "submission"}
    form = PersonEditForm(request.POST or None, initial=shown)
    if request.method == "POST":

        def write() -> str:
            actions.update_person(person=person, by=request.user, **form.values)
            return reverse("accounts:person-list")

        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
            if location:
                messages.success(request, f"{form.values['name']} is saved.")
                return redirect(location)
        except StaleVersion as conflict:
            again = PersonEditForm(initial={**form.values, "version": conflict.current.version})
            return conflict_page(request, again, conflict.current, reverse("accounts:person-list"))
    context = {"form": form, "person": person, "has_second_factor": has_second_factor(person)}
    return form_page(request, "accounts/person_form.html", context)


def conflict_page(request: HttpRequest, form: BaseForm, current: Model, cancel_url: str) -> HttpResponse:
    """What is saved and what was typed, side by side; saving again says which one is meant."""
    saved = [(field.label, in_words(current, field.name)) for field in form.visible_fields()]
    context = {"form": form, "current": current, "saved": saved, "cancel_url": cancel_url}
    return render(request, "accounts/conflict.html", context, status=409)


def in_words(record: Model, name: str) -> Any:
    """What a record holds, as whoever chose it has read it."""
    display = getattr(record, f"get_{name}_display", None)
    return display() if display else getattr(record, name)


@require_POST
def person_password_link(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    """A link with which the person chooses a password; it works once, for three days, and is shown only here."""
    person = get_object_or_404(selectors.people(request.user), pk=person_id, is_active=True)
    token = actions.make_password_link(person=person, by=request.user)
    path = reverse("accounts:choose-password", args=[person.pk, token])
    context = {"person": person, "link": request.build_absolute_uri(path)}
    return render(request, "accounts/person_password_link.html", context)


@require_http_methods(["GET", "POST"])
def choose_password(request: HttpRequest, person_id: uuid.UUID, token: str) -> HttpResponse:
    person = selectors.person_with_link(person_id, token)
    if person is None:
        unusable = render(request, "accounts/choose_password_unusable.html", status=404)
        unusable["Referrer-Policy"] = "no-referrer"
        return unusable
    form = ChoosePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with_password = {"person": person, "password": form.cleaned_data["password"]}
        if carry_out(form, lambda: actions.choose_password(**with_password) or True):
            if request.user == person:
                logout(request)  # this session has ended with all others
            messages.success(request, "Your password is set. Sign in with it.")
            return redirect("account_login")
    response = form_page(request, "accounts/choose_password.html", {"form": form, "person": person})
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_POST
def supervision_start(request: SignedInRequest) -> HttpResponse:
    form = SupervisionForm(request.POST, people=selectors.active_people(request.user), auto_id="supervision_%s")

    def write() -> str:
        actions.start_supervision(**form.values, by=request.user)
        return reverse("accounts:supervision-list") + "#supervision"

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        return redirect(location)
    context = supervision_context(request.user, supervision_form=form) | {"form": form}
    return form_page(request, "accounts/supervision_list.html", context)


@require_POST
def supervision_end(request: SignedInRequest, supervision_id: uuid.UUID) -> HttpResponse:
    supervision = get_object_or_404(selectors.supervisions(request.user), pk=supervision_id)
    actions.end_supervision(supervision=supervision, by=request.user)
    messages.success(
        request, f"{supervision.supervisor.name} no longer sees the caseload of {supervision.therapist.name}."
    )
    return redirect("accounts:supervision-list")


@require_http_methods(["GET", "POST"])
def organisation_edit(request: SignedInRequest) -> HttpResponse:
    return edit_organisation(request, OrganisationForm, "accounts:organisation-edit", "accounts/organisation_form.html")


def edit_organisation(
    request: SignedInRequest,
    form_of: type[OrganisationPart],
    route: str,
    template: str,
    shown: Callable[[OrganisationPart], dict[str, Any]] = lambda form: {},
) -> HttpResponse:
    """A page for some of what a service sets: looked at first if its form asks for that, and saved unless somebody else
    has saved meanwhile. `shown` is what the template needs besides the form, which may hold what is not saved yet."""
    organisation = selectors.organisation_by_id(request.user.organisation_id)
    form = form_of(
        request.POST or None,
        instance=selectors.organisation_by_id(organisation.pk),
        initial={"version": organisation.version},
    )
    if request.method == "POST" and request.POST.get("do") != "preview":
        if "second_factor_for" in form.changed_data and not is_recent(request):
            return ask_again(request.path)

        def write() -> str:
            actions.update_organisation(organisation=organisation, by=request.user, **form.values)
            return reverse(route)

        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
            if location:
                messages.success(request, "Saved.")
                return redirect(location)
        except StaleVersion as conflict:
            again = form_of(instance=conflict.current, initial={**form.values, "version": conflict.current.version})
            return conflict_page(request, again, conflict.current, reverse(route))
    is_preview = request.method == "POST" and form.is_valid()
    return form_page(request, template, {"form": form, "is_preview": is_preview, **shown(form)})
