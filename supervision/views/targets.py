"""What is to be learnt."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.http import SignedInRequest

from .. import actions
from ..forms import TargetEditForm, TargetForm
from ..selectors import targets as learning
from .parts import filled_in, page_of_person, visible_person


@require_http_methods(["GET", "POST"])
def target_create(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    person = visible_person(request, person_id)
    form = TargetForm(request.POST or None, today=request.user.organisation.today)

    def write() -> str:
        actions.set_target(therapist=person, by=request.user, **form.values)
        messages.success(request, "The learning target is set. Practice is counted from the record.")
        return page_of_person(person) + "#targets"

    whose = "you" if person.pk == request.user.pk else person.name
    return filled_in(
        request,
        form,
        write,
        cancel=page_of_person(person),
        title=f"A learning target for {whose}",
        keep=f"target-{person.pk}",
        save="Set it",
        intro="Set it together. Practice is counted from what is noted anyway; nobody has to write anything twice.",
    )


@require_http_methods(["GET", "POST"])
def target_edit(request: SignedInRequest, target_id: uuid.UUID) -> HttpResponse:
    target = learning.target_of(request.user, target_id)
    if target is None:
        raise Http404
    form = TargetEditForm(request.POST or None, initial=TargetEditForm.values_of(target))
    back = page_of_person(target.therapist) + "#targets"

    def write() -> str:
        actions.change_target(target=target, by=request.user, **form.values)
        messages.success(request, "The learning target is changed.")
        return back

    return filled_in(
        request,
        form,
        write,
        cancel=back,
        title=", ".join(target.code_words),
        keep=f"target-{target.pk}",
        again=lambda current: TargetEditForm(initial=TargetEditForm.values_of(current)),
    )
