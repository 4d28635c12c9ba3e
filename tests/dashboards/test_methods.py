"""A note behind every number, and a source behind every note."""

import re

import pytest
from django.urls import reverse

from dashboards import methods


@pytest.mark.parametrize("key", methods.NOTES)
def test_every_note_has_a_source_or_says_that_it_is_ours(key):
    note = methods.NOTES[key]
    assert note.sentences and note.title
    assert re.search(r"\b(18|19|20)\d\d\b", note.source) or re.search(r"\bours\b", note.source, re.I)


def test_no_two_notes_have_one_name():
    assert sum(len(notes) for _, notes in methods.GROUPS) == len(methods.NOTES)


@pytest.mark.django_db
def test_everybody_who_is_signed_in_reads_them_and_each_has_its_place(service, browser_of):
    page = browser_of(service.nils).get(reverse("dashboards:methods")).content.decode()
    assert all(f'id="{key}"' in page for key in methods.NOTES)
