"""A mail server that keeps what it is given, and falls silent where its recipient says so."""

import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer(socketserver.ThreadingTCPServer):
    """Silent after the recipient for "rcpt@…", after it has taken the e-mail for "data@…"; as long as `is_silent`."""

    daemon_threads = allow_reuse_address = True
    is_silent = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken: list[str] = []
        self.silent_for: set[str] = set()

    @property
    def url(self) -> str:
        return f"smtp+plain://127.0.0.1:{self.server_address[1]}"

    def taken_for(self, recipient: str) -> list[str]:
        return [content for content in self.taken if f"To: {recipient}" in content]


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def fall_silent_for(self, point: str, recipient: str) -> None:
        if self.server.is_silent and recipient.startswith(point):
            self.server.silent_for.add(point)
            time.sleep(600)

    def handle(self) -> None:
        recipient = ""
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            command = line.upper()[:4]
            if command == "RCPT":
                recipient = re.search("<(.+)>", line)[1]
                self.fall_silent_for("rcpt", recipient)
            if command == "DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.taken.append("\n".join(lines))
                self.fall_silent_for("data", recipient)
            self.say("221 bye" if command == "QUIT" else "250 yes")
            if command == "QUIT":
                return


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
