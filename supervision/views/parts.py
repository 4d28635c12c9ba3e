"""What the pages of supervision share: what a page is about, or 404; forms shown, refused and saved."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, sent_before, write_once
from accounts.models import User
from clients.models import Episode

from .. import actions, selectors
from ..models import Meeting


def visible_meeting(request: SignedInRequest, meeting_id: uuid.UUID) -> Any:
    meeting = selectors.meeting_of(request.user, meeting_id)
    if meeting is None:
        raise Http404
    return meeting


def held_meeting(request: SignedInRequest, meeting_id: uuid.UUID) -> Meeting:
    meeting: Meeting = visible_meeting(request, meeting_id)
    actions.check_holds(request.user, meeting)
    return meeting


def visible_person(request: SignedInRequest, person_id: uuid.UUID) -> User:
    person = selectors.person_in_supervision(request.user, person_id)
    if person is None:
        raise Http404
    return person


def visible_episode(request: SignedInRequest, episode_id: uuid.UUID) -> Episode:
    episode = selectors.episode_in_supervision(request.user, episode_id)
    if episode is None:
        raise Http404
    return episode


def page_of(meeting: Meeting) -> str:
    return reverse("supervision:meeting", args=[meeting.pk])


def page_of_person(person: User) -> str:
    return reverse("supervision:therapist", args=[person.pk])


def filled_in(
    request: SignedInRequest,
    form: forms.Form,
    write: Callable[[], str],
    *,
    cancel: str,
    title: str,
    keep: str,
    save: str = "Save",
    again: Callable[[Any], forms.Form] | None = None,
    **shown: object,
) -> HttpResponse:
    context = {"form": form, "title": title, "save": save, "cancel_url": cancel, "keep": keep, **shown}
    if request.method == "POST":
        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        except StaleVersion as conflict:
            assert again is not None
            saved = again(conflict.current)
            typed = {name: value for name, value in form.cleaned_data.items() if name != "submission"}
            fresh = again(conflict.current)
            fresh.initial = {**fresh.initial, **as_initial(typed), "version": conflict.current.version}
            context |= {"form": fresh, "saved": told(saved)}
            return render(request, "supervision/conflict.html", context, status=409)
        if location:
            request.session["kept"] = keep
            return redirect(location)
    return form_page(request, "supervision/form.html", context)


def as_initial(typed: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value.pk) if isinstance(value, User) else value for name, value in typed.items()}


def told(form: forms.Form) -> list[tuple[str, str]]:
    """What a form holds, a line a field, for somebody who compares."""
    lines = []
    for field in form.visible_fields():
        value = field.initial
        choices = dict(getattr(field.field, "choices", []))
        words = "yes" if value is True else "no" if value is False else choices.get(value, value)
        lines.append((str(field.label), str(words)))
    return lines


def done(request: SignedInRequest, write: Callable[[], str], back: str) -> HttpResponse:
    """A button: carried out once, or what is in the way."""
    location = sent_before(request.POST, by=request.user)
    if location is None:
        try:
            location = write_once(request.POST, write, by=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            location = back
    return redirect(location)
