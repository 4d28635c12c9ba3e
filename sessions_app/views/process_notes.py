"""What a therapist thinks, for nobody but themself: read, written and deleted here and on no other page."""

import base64
import uuid
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_GET, require_http_methods

from accounts.audit import record_event
from accounts.encryption import EncryptionProblem
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, write_once
from accounts.models import User
from accounts.selectors import supervisors_of
from accounts.signed_in import ask_again, is_recent
from clients.models import Episode

from .. import selectors
from ..actions import process_notes as actions
from ..forms import NewProcessNoteForm, ProcessNoteEditForm
from ..models import ProcessNote


def list_url(episode: Episode) -> str:
    return reverse("sessions_app:process-notes", args=[episode.pk])


def draft_key(user: User) -> str:
    """With it the page's script encrypts what is typed and not yet saved. The page brings it; nothing stores it."""
    return base64.b64encode(salted_hmac("sessions_app.drafts", str(user.pk), algorithm="sha256").digest()).decode()


def note_to_change(request: SignedInRequest, note_id: uuid.UUID) -> ProcessNote:
    note = get_object_or_404(selectors.process_notes(request.user), pk=note_id)
    actions.check_author(request.user, note)
    return note


def record_viewed(episode: Episode, request: SignedInRequest) -> None:
    record_event(
        "process-notes.viewed",
        episode,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=request.user,
    )


@require_GET
def process_notes(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """Of an episode: the reader's own, and those that were marked for them."""
    episode = selectors.episode_with_notes(request.user, episode_id)
    if episode is None:
        raise Http404
    if not is_recent(request):
        return ask_again(request.path)
    record_viewed(episode, request)
    context = {
        "episode": episode,
        "notes": selectors.opened(selectors.notes_about(request.user, episode)),
        "writes": actions.may_write_about(request.user, episode),
    }
    return render(request, "sessions_app/process_notes.html", context)


@require_http_methods(["GET", "POST"])
def process_note_create(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = selectors.episode_with_notes(request.user, episode_id)
    if episode is None:
        raise Http404
    actions.check_writes_about(request.user, episode)
    form = NewProcessNoteForm(
        request.POST or None,
        episode=episode,
        supervisors=supervisors_of(request.user),
        initial={"session": request.GET.get("session")},
    )
    if request.method == "POST":

        def write() -> str:
            actions.write_process_note(episode=episode, **form.values, by=request.user)
            return list_url(episode)

        location = save(request, form, write)
        if location:
            messages.success(request, "The process note is saved.")
            return redirect(location)
    context = {"form": form, "episode": episode, "keep": f"process-note-new-{episode.pk}"}
    return note_form(request, context)


@require_http_methods(["GET", "POST"])
def process_note_edit(request: SignedInRequest, note_id: uuid.UUID) -> HttpResponse:
    note = note_to_change(request, note_id)
    episode, supervisors = note.whole_episode, supervisors_of(request.user)
    if request.method != "POST" and not is_recent(request):
        return ask_again(request.path)
    if request.method != "POST":
        shown = {name: getattr(note, name) for name in ("text", "shared_with_supervisor", "version")}
        form = ProcessNoteEditForm(initial=shown, supervisors=supervisors)
        record_viewed(episode, request)
    else:
        form = ProcessNoteEditForm(request.POST, supervisors=supervisors)

        def write() -> str:
            actions.update_process_note(note=note, by=request.user, **form.values)
            return list_url(episode)

        try:
            location = save(request, form, write)
        except StaleVersion as conflict:
            again = ProcessNoteEditForm(
                supervisors=supervisors, initial={**form.values, "version": conflict.current.version}
            )
            context = {"form": again, "note": note, "current": conflict.current, "cancel_url": list_url(episode)}
            return render(request, "sessions_app/process_note_conflict.html", context, status=409)
        if location:
            messages.success(request, "The process note is saved.")
            return redirect(location)
    return note_form(request, {"form": form, "note": note, "episode": episode, "keep": f"process-note-{note.pk}"})


def save(request: SignedInRequest, form: BaseForm, write: Any) -> str | None:
    """Where to go next. Without the keys nothing is saved, and what was typed stays on the page."""
    try:
        return carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    except EncryptionProblem as problem:
        form.add_error(None, f"The note can’t be encrypted, so it is not saved. {problem.advice}")
        return None


def note_form(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    context |= {"draft_key": draft_key(request.user), "cancel_url": list_url(context["episode"])}
    return form_page(request, "sessions_app/process_note_form.html", context)


@require_http_methods(["GET", "POST"])
def process_note_delete(request: SignedInRequest, note_id: uuid.UUID) -> HttpResponse:
    note = note_to_change(request, note_id)
    episode = note.whole_episode
    if request.method == "POST":
        actions.delete_process_note(note=note, by=request.user)
        messages.success(request, "The process note is deleted.")
        return redirect(list_url(episode))
    if not is_recent(request):
        return ask_again(request.path)
    return render(request, "sessions_app/process_note_delete.html", {"note": note, "episode": episode})
