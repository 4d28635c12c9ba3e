"""Encrypted text: opens in its own place with its own key, and otherwise not at all. No database."""

import stat
import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts import encryption
from accounts.encryption import KeysMissing, KeyUnknown, NotGenuine, Sealed, decrypt, encrypt
from accounts.models import Organisation
from sessions_app.models import ProcessNote

PLACE = ("sessions_app_processnote", "text", "row", "organisation")
TEXT = "What I felt when Rowan laughed. 🙂 שלום"


@pytest.fixture(autouse=True)
def file(tmp_path, settings):
    """A file of keys of the test's own."""
    settings.FIELD_KEYS_FILE = tmp_path / "field.keys"
    encryption.add_key()
    return settings.FIELD_KEYS_FILE


def lines(file) -> list[str]:
    return file.read_text().splitlines()


# --- Texts --------------------------------------------------------------------------------------------------


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_encrypted_opens_in_its_place(text):
    assert decrypt(encrypt(text, PLACE), PLACE) == text


def test_nothing_of_the_text_is_in_what_is_stored_and_no_two_are_alike():
    first, second = encrypt(TEXT, PLACE), encrypt(TEXT, PLACE)
    assert first != second and len(first) == len(second)
    for sealed in (first, second):
        assert b"Rowan" not in sealed and "שלום".encode() not in sealed


def test_an_empty_text_is_stored_as_something():
    assert len(encrypt("", PLACE)) > encryption.NONCE_BYTES
    assert decrypt(encrypt("", PLACE), PLACE) == ""


@pytest.mark.parametrize("part", range(len(PLACE)), ids=["table", "column", "row", "organisation"])
def test_a_text_that_was_moved_does_not_open(part):
    elsewhere = tuple("elsewhere" if index == part else name for index, name in enumerate(PLACE))
    with pytest.raises(NotGenuine):
        decrypt(encrypt(TEXT, PLACE), elsewhere)


def test_a_place_can_not_be_spelt_in_another_way():
    with pytest.raises(NotGenuine):
        decrypt(encrypt(TEXT, ("a", "bc", "d", "e")), ("ab", "c", "d", "e"))


def test_no_byte_of_what_is_stored_can_be_changed():
    sealed = encrypt(TEXT, PLACE)
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises((NotGenuine, KeyUnknown)):
            decrypt(Sealed(changed), PLACE)


@given(keep=st.integers(min_value=0, max_value=200))
def test_what_was_cut_short_does_not_open(keep):
    sealed = encrypt(TEXT * 10, PLACE)
    with pytest.raises(NotGenuine):
        decrypt(Sealed(sealed[:keep]), PLACE)


@given(stored=st.binary(max_size=200))
def test_bytes_that_are_no_encrypted_text_do_not_open(stored):
    with pytest.raises((NotGenuine, KeyUnknown)):
        decrypt(Sealed(stored), PLACE)


# --- The file of keys -----------------------------------------------------------------------------------------


def test_the_file_is_its_owners_alone(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    encryption.add_key()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [name.name for name in file.parent.iterdir()] == ["field.keys"]


def test_a_new_key_encrypts_and_the_older_one_still_opens(file):
    before = encrypt(TEXT, PLACE)
    new = encryption.add_key()
    assert encryption.key_id_of(encrypt(TEXT, PLACE)) == new != encryption.key_id_of(before)
    assert len(lines(file)) == 2
    assert decrypt(before, PLACE) == TEXT


def test_a_text_does_not_open_without_the_file(file):
    sealed = encrypt(TEXT, PLACE)
    file.unlink()
    for work in (lambda: decrypt(sealed, PLACE), lambda: encrypt(TEXT, PLACE)):
        with pytest.raises(KeysMissing):
            work()


def test_a_text_does_not_open_when_its_key_is_not_in_the_file(file):
    sealed = encrypt(TEXT, PLACE)
    file.unlink()
    encryption.add_key()
    with pytest.raises(KeyUnknown):
        decrypt(sealed, PLACE)


def test_a_text_does_not_open_with_another_key_under_the_same_id(file):
    sealed = encrypt(TEXT, PLACE)
    (line,) = lines(file)
    encryption.add_key()
    new, _old = lines(file)
    file.write_text(f"{line.split()[0]} {new.split()[1]}\n")
    with pytest.raises(NotGenuine):
        decrypt(sealed, PLACE)


KEY = "A" * 43 + "="


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# nothing\n",
        "one\n",
        "one short\n",
        f"one {KEY}\none {KEY}\n",
        f"o:ne {KEY}\n",
        f"one {KEY[:-5]}\n",
        "\xff",
    ],
)
def test_a_file_that_holds_no_usable_key_is_as_good_as_none(file, content):
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(KeysMissing) as problem:
        encryption.keys()
    assert KEY not in str(problem.value) and KEY not in problem.value.advice


def test_a_file_may_have_remarks_and_empty_lines(file):
    file.write_text(f"# since spring\n\none {KEY}\n")
    assert encryption.keys().current == "one"


def test_keys_are_not_shown_when_they_are_printed():
    assert KEY not in repr(encryption.keys()) and "by_id" not in repr(encryption.keys())


def test_the_web_server_refuses_to_start_without_the_file(file):
    encryption.refuse_missing_keys()
    file.unlink()
    with pytest.raises(ImproperlyConfigured, match=r"docs/field-keys\.md"):
        encryption.refuse_missing_keys()


# --- The field --------------------------------------------------------------------------------------------------


def note(**values) -> ProcessNote:
    return ProcessNote(organisation=Organisation(id=uuid.uuid4()), **values)


def test_a_row_gives_its_text_and_stores_it_encrypted():
    row = note(text=TEXT)
    text = ProcessNote._meta.get_field("text")
    sealed = text.pre_save(row, add=True)
    assert row.text == TEXT and TEXT.encode() not in sealed
    row.text = sealed
    assert row.text == TEXT and text.stored_in(row) == sealed


def test_a_row_given_the_text_of_another_raises_when_it_is_read():
    other = note(text=TEXT)
    row = note(text=ProcessNote._meta.get_field("text").pre_save(other, add=True))
    with pytest.raises(NotGenuine):
        _ = row.text


def test_a_text_can_be_neither_looked_for_nor_written_past_its_row():
    for condition in ({"text": TEXT}, {"text__icontains": "a"}, {"text__gt": b"a"}, {"text__in": [TEXT]}):
        with pytest.raises(TypeError, match="stored encrypted"):
            ProcessNote.objects.filter(**condition)
    with pytest.raises(TypeError, match="stored encrypted"):
        ProcessNote._meta.get_field("text").get_db_prep_save(TEXT, connection)


def test_a_text_goes_into_no_file():
    with pytest.raises(TypeError, match="goes into no file"):
        ProcessNote._meta.get_field("text").value_to_string(note(text=TEXT))


def test_every_encrypted_field_is_known_to_the_rotation():
    assert (ProcessNote, ProcessNote._meta.get_field("text")) in encryption.encrypted_fields()
