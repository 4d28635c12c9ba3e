"""What is typed of a log, from the form as it was sent to a draft and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

Typed = Mapping[str, list[str]]
NOT_TYPED = {"csrfmiddlewaretoken", "submission", "draft_version"}
MOST_TYPED = 200_000  # characters
LONGEST_VERSION = 10  # digits


def typed_of(data: QueryDict) -> dict[str, list[str]]:
    """What a person typed or chose, by the name of its field; empty fields are left out.

    Nobody can type NUL, and the database takes none.
    """
    typed = {name.replace("\0", ""): [value.replace("\0", "") for value in values] for name, values in data.lists()}
    lists = {name: [value for value in values if value] for name, values in typed.items() if name not in NOT_TYPED}
    return {name: values for name, values in sorted(lists.items()) if values}


def version_of(data: QueryDict) -> int:
    """Of the draft that this one began from; 0 where there was none."""
    stated = data.get("draft_version", "")
    return int(stated) if stated.isdecimal() and len(stated) <= LONGEST_VERSION else 0


def initial_of(typed: Typed, form: forms.BaseForm) -> dict[str, Any]:
    """A draft as the initial values of a form: all of its fields, as what is left out was empty."""
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        if name in NOT_TYPED:
            continue
        values = typed.get(form.add_prefix(name), [])
        found[name] = values if isinstance(field, forms.MultipleChoiceField) else (values[-1] if values else "")
    return found


@dataclass(frozen=True)
class Difference:
    label: str
    here: str
    there: str


def differences(of_forms: Iterable[forms.BaseForm], here: Typed, there: Typed) -> list[Difference]:
    """The fields in which two drafts differ, in the order of the page and in the words that stand on it."""
    found = []
    for form in of_forms:
        for name, field in form.fields.items():
            key = form.add_prefix(name)
            mine, other = here.get(key, []), there.get(key, [])
            if name not in NOT_TYPED and mine != other:
                label = str(field.label or name.replace("_", " ").capitalize())
                found.append(Difference(label, words_of(field, mine), words_of(field, other)))
    return found


def words_of(field: forms.Field, values: list[str]) -> str:
    if isinstance(field, forms.BooleanField):
        return "yes" if values else "no"
    if isinstance(field, forms.ChoiceField):
        labels = {str(value): str(label) for value, label in field.widget.choices}
        values = [labels.get(value, value) for value in values]
    return ", ".join(values)
