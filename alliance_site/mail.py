"""E-mails as files, for the demo and the tests."""

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from email.message import Message
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class FolderBackend(BaseEmailBackend):
    """One file for each Message-ID, complete or not there at all: handing a message over again adds nothing."""

    takes_once = True

    def open(self) -> None:
        Path(settings.EMAIL_FILE_PATH).mkdir(parents=True, exist_ok=True)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.open()
        for email in email_messages:
            self.keep(email.message())
        return len(email_messages)

    def keep(self, message: Message) -> None:
        local_part = message["Message-ID"].strip("<>").partition("@")[0]
        name = re.sub(r"[^\w.-]", "", local_part).lstrip(".")
        folder = Path(settings.EMAIL_FILE_PATH)
        # Written aside and then given its name, which fails where the name is taken: O_EXCL for a whole file.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".") as written:
            written.write(message.as_bytes())
            written.flush()
            os.fsync(written.fileno())
            self.name(Path(written.name), folder / f"{name}.eml")

    def name(self, written: Path, target: Path) -> None:
        with suppress(FileExistsError):
            os.link(written, target)
