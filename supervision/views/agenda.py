"""What somebody wants to bring."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.http import SignedInRequest

from .. import actions, selectors
from ..forms import BringForm, ItemForm
from .parts import done, filled_in, page_of_person, visible_episode


@require_http_methods(["GET", "POST"])
def bring(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """A client for the next meeting: by the therapist with one of their supervisors, or by a supervisor."""
    episode = visible_episode(request, episode_id)
    user, is_own = request.user, episode.therapist_id == request.user.pk
    found = list(selectors.supervisors_now(episode.therapist)) if is_own else [user]
    if not found:
        raise PermissionDenied(
            "Nobody supervises you at present, so there is no agenda. Your administrator records it."
        )
    waits = {item.supervisor_id: item for item in selectors.waiting_items(user, episode.therapist)
             if item.episode_id == episode.pk}  # fmt: skip
    if request.method == "GET" and all(one.pk in waits for one in found):
        return redirect("supervision:item", waits[found[0].pk].pk)
    several = selectors.supervisors_now(episode.therapist) if len(found) > 1 else None
    form = BringForm(request.POST or None, supervisors=several)

    def write() -> str:
        values = {"supervisor": found[0]} | form.values
        actions.put_on_agenda(episode=episode, by=user, **values)
        messages.success(request, f"{episode.client.code} is on the agenda of the next meeting.")
        return page_of_person(episode.therapist) + "#agenda"

    return filled_in(
        request,
        form,
        write,
        cancel=page_of_person(episode.therapist),
        title=f"{'Bring' if is_own else 'Put'} {episode.client.code} {'to supervision' if is_own else 'on the agenda'}",
        keep=f"bring-{episode.pk}",
        save="Put it on the agenda",
    )


@require_http_methods(["GET", "POST"])
def item(request: SignedInRequest, item_id: uuid.UUID) -> HttpResponse:
    """The line of what waits changed, or taken off the agenda."""
    item = selectors.item_of(request.user, item_id)
    if item is None:
        raise Http404
    actions.check_one_of_the_two(request.user, item.supervisor, item.therapist)
    back = page_of_person(item.therapist) + "#agenda"
    if not item.waits and request.method == "GET":
        return redirect(back)
    if request.POST.get("do") == "off":

        def off() -> str:
            actions.take_off_agenda(item=item, by=request.user)
            messages.success(request, f"{item.episode.client.code} is off the agenda.")
            return back

        return done(request, off, back)
    form = ItemForm(request.POST or None, initial=ItemForm.values_of(item))

    def write() -> str:
        actions.change_item(item=item, by=request.user, **form.values)
        messages.success(request, "The line is changed.")
        return back

    return filled_in(
        request,
        form,
        write,
        cancel=back,
        title=f"{item.episode.client.code} on the agenda",
        keep=f"item-{item.pk}",
        again=lambda current: ItemForm(initial=ItemForm.values_of(current)),
        can_take_off=True,
    )
