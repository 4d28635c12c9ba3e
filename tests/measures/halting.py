"""The product's settings, with a folder for e-mails in which a worker stands still so that a test can kill it there.

Where it stands depends on whom the e-mail is for: "unopened@…", "written@…" and "named@…".
"""

import time
from pathlib import Path

from alliance_site.mail import FolderBackend
from alliance_site.settings import *  # noqa: F403
from alliance_site.settings import HOME

EMAIL_BACKEND = f"{__name__}.HaltingBackend"
POINTS = ("unopened", "written", "named")


def halt_at(point: str, content: str) -> None:
    if f"{point}@" in content:
        (HOME / point).touch()
        time.sleep(600)


class HaltingBackend(FolderBackend):
    def send_messages(self, email_messages):
        halt_at("unopened", " ".join(email_messages[0].to))
        return super().send_messages(email_messages)

    def name(self, written: Path, target: Path) -> None:
        content = written.read_text()
        halt_at("written", content)
        super().name(written, target)
        halt_at("named", content)
