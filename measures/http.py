"""What the pages for clients share: their language, their headers, and whether the device was handed to the client."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts.http import HANDED_OVER, handed_over

from . import tokens

# Languages that the words around the questions are in, each but English with a catalogue in locale/.
PAGE_LANGUAGES = ("en", "de", "ar")
LANGUAGE_COOKIE = "rating-language"
LANGUAGE_LASTS = timedelta(days=365)
# For how long a link, once opened, needs no token in the address.
OPEN_FOR = timedelta(hours=2)


def cookie_name(request_id: uuid.UUID) -> str:
    return f"rating-{request_id.hex}"


def opened_name(request_id: uuid.UUID) -> str:
    return f"opened-{request_id.hex}"


def private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    return response


def words_around(language: str) -> AbstractContextManager[None]:
    """Put what we say ourselves into the language of the questions, or into English where there is no catalogue."""
    return translation.override(language if language in PAGE_LANGUAGES else PAGE_LANGUAGES[0])


def client_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, language: str, status: int = 200
) -> HttpResponse:
    with words_around(language):
        shown = {**context, "handed_over": handed_over(request)}
        return private(render(request, template, shown, status=status))


# --- The language -----------------------------------------------------------------------------------


def language_of(request: HttpRequest, languages: Sequence[str] = PAGE_LANGUAGES) -> str:
    """The one chosen on this device, else the one that its browser asks for, else the first."""
    known = {code.casefold(): code for code in languages}
    lock = handed_over(request)
    remembered = request.COOKIES.get(LANGUAGE_COOKIE, "") if lock is None else lock.get("language", "")
    accepted = [code for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for wanted in (remembered.casefold(), *accepted):
        for code in (wanted, wanted.partition("-")[0]):
            if code in known:
                return known[code]
    return languages[0]


def remember_language(request: HttpRequest, response: HttpResponse, language: str) -> None:
    """On the client's own device for the next form; on one that was handed over until it is given back."""
    lock = handed_over(request)
    if lock is not None:
        request.session[HANDED_OVER] = {**lock, "language": language}
        return
    path, _, _ = request.path.rpartition("/rate/")
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=LANGUAGE_LASTS,
        path=f"{path}/rate/",
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def language_choices(languages: Sequence[str]) -> list[dict[str, Any]]:
    """Each language under the name it has for itself, with the direction it is written in."""
    found = []
    for code in languages:
        try:
            info = translation.get_language_info(code.lower())
        except KeyError:
            info = {"name_local": code, "bidi": False}
        found.append({"code": code, "name": info["name_local"], "direction": "rtl" if info["bidi"] else "ltr"})
    return found


# --- The device -------------------------------------------------------------------------------------


def open_on_device(request: HttpRequest, response: HttpResponse, request_id: uuid.UUID, token: str) -> None:
    """Let this browser open the form without the token in its address."""
    set_form_cookie(request, response, request_id, cookie_name(request_id), token)


def note_opening(request: HttpRequest, response: HttpResponse, request_id: uuid.UUID) -> None:
    """Keep when the form was first opened in this browser."""
    name = opened_name(request_id)
    if tokens.seconds_since_opened(request.COOKIES.get(name, ""), request_id) is None:
        set_form_cookie(request, response, request_id, name, tokens.opened_now(request_id))


def set_form_cookie(request: HttpRequest, response: HttpResponse, request_id: uuid.UUID, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=OPEN_FOR,
        path=reverse("measures:rate", args=[request_id]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def forget_form(response: HttpResponse, request_id: uuid.UUID) -> None:
    for name in (cookie_name(request_id), opened_name(request_id)):
        response.delete_cookie(name, path=reverse("measures:rate", args=[request_id]), samesite="Lax")
