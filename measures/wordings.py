"""Questionnaires in words, in the languages that clients can read them in."""

from . import instruments
from .instruments import Edition
from .models import Rater


def languages_of(instrument: str) -> tuple[str, ...]:
    """Codes of the languages that a client can be asked in, the usual one first. Raises UnknownInstrument."""
    return instruments.edition(instrument, Rater.CLIENT).languages


def client_edition(instrument: str, language: str) -> Edition:
    """What a client is asked, in this language or else in the first there is. Raises UnknownInstrument."""
    return instruments.edition(instrument, Rater.CLIENT).in_language(language)


def is_our_translation(instrument: str, language: str) -> bool:
    """Whether the words in this language are our own translation, which the page then says."""
    return language in instruments.edition(instrument, Rater.CLIENT).translations
