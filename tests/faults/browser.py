"""A browser without JavaScript that may lose an answer, and the forms of the pages it is shown."""

import http.client
import re
import time
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser

FORM = "application/x-www-form-urlencoded"
PATIENCE = 15
# Of one who was gone before the answer.
LEFT = "left"
LINK = re.compile(r"/r/([a-z2-7]{40})")
Fields = dict[str, list[str]]


class Lost(Exception):
    """No whole answer arrived: whatever was sent may be saved or not."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    location: str

    @property
    def is_error(self) -> bool:
        return self.status >= 500


@dataclass
class Form:
    action: str = ""
    fields: Fields = field(default_factory=dict)
    # Of buttons to choose one from: every choice, chosen or not.
    choices: Fields = field(default_factory=dict)


class Forms(HTMLParser):
    """What each form of a page would send with nothing typed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.is_within = False
        self.text: tuple[str, list[str]] | None = None
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self.is_within = True
        if not self.is_within:
            return
        form, name = self.forms[-1], given.get("name", "")
        if tag == "textarea":
            self.text = (name, [])
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in form.fields:
                form.fields[self.select] = [given.get("value", "")]
        elif tag == "input" and name:
            is_choice = given.get("type") in {"radio", "checkbox"}
            if is_choice:
                form.choices.setdefault(name, []).append(given.get("value", "on"))
            if not is_choice or "checked" in given:
                form.fields.setdefault(name, []).append(given.get("value", "on" if is_choice else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_within = False
        elif tag == "select":
            self.select = ""
        elif tag == "textarea" and self.text:
            name, parts = self.text
            # A browser drops the line break that the widget puts first.
            self.forms[-1].fields[name] = ["".join(parts).removeprefix("\r\n").removeprefix("\n")]
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text:
            self.text[1].append(data)


def form_with(page: str, name: str) -> Form:
    """The page's form that has a field of this name."""
    return next(form for form in Forms(page).forms if name in form.fields or name in form.choices)


class Browser:
    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        # Seconds until the answer that took longest.
        self.slowest = 0.0

    def ask(self, path: str, form: Fields | None = None, *, leaves: bool = False, patience: float = PATIENCE) -> Answer:
        """Raises Lost. One who `leaves` is gone before the answer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = FORM
        body = None if form is None else urllib.parse.urlencode(form, doseq=True)
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request("GET" if form is None else "POST", path, body=body, headers=headers)
            if leaves:
                raise Lost(LEFT)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise Lost(type(error).__name__) from error
        finally:
            connection.close()
            self.slowest = max(self.slowest, time.monotonic() - began)
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = header.split(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(answer.status, text, urllib.parse.urlsplit(answer.getheader("Location") or "").path)

    def sign_in(self, email: str, password: str) -> None:
        page = self.ask("/sign-in/")
        fields = form_with(page.text, "login").fields | {"login": [email], "password": [password]}
        answer = self.ask("/sign-in/", fields)
        assert answer.status == 302, f"{email} could not sign in: {answer.status}"
