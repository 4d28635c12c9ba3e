"""What an event of the audit trail says, and which kinds there are to choose from. Nothing here knows a record.

An event is called `subject.verb`; what it says are these very words, so that none can be missing or say something else.
"""

OPENED, REFUSED = "opened", "refused"
# An event belongs to the kind of its subject; those by which somebody read are one kind, whatever they are about.
READ_VERBS = ("viewed", "delivered", "shown-to-client", "exported", "downloaded")
SUBJECTS = {
    "record": (
        "agreement", "challenge", "client", "client-report", "comment", "conditions", "episode", "erasure",
        "expectations", "goal", "hold", "needs", "objective", "process-note", "process-notes", "repair", "rupture",
        "session", "signal", "task",
    ),
    "ratings": ("invitation", "link", "rating", "ratings", "risk-answer"),
    "supervision": ("agenda", "cover", "learning-target", "next-step", "supervision", "supervision-pack"),
    "people": ("page", "person", "token"),
    "service": (
        "battery", "field-keys", "instrument", "jobs", "licence", "measure", "organisation", "priors", "service",
        "service-report", "trends", "wording",
    ),
    "files": ("audit", "caseload", "export", "import"),
}  # fmt: skip
KINDS = {
    OPENED: "Read, or taken out",
    REFUSED: "Refused",
    "record": "The record",
    "ratings": "Links, ratings, risk answers",
    "supervision": "Supervision and cover",
    "people": "People and sign-in",
    "service": "The service’s settings",
    "files": "Imports and exports",
}


def in_words(action: str) -> str:
    """ "goal.progress-recorded" is "Goal: progress recorded"."""
    subject, _, verb = action.partition(".")
    return f"{'API' if subject == 'api' else spaced(subject).capitalize()}: {spaced(verb)}"


def spaced(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def pattern(kind: str) -> str:
    """A regular expression for the events of a kind, as PostgreSQL and Python read it. Raises KeyError."""
    if kind == REFUSED:
        return r"\.refused$"
    if kind == OPENED:
        return rf"^api\..*-read$|^[a-z]+-(report|pack)\.made$|\.({'|'.join(READ_VERBS)})$"
    return rf"^({'|'.join(SUBJECTS[kind])})\."
