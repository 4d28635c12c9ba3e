from typing import Any

from django.core.files.uploadhandler import FileUploadHandler

from .reading import Limits

MOST = Limits().max_bytes


class StopTooLarge(FileUploadHandler):
    """Lets through a little more than any file that can be read, and drops the rest of a larger one."""

    passed = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self.passed = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self.passed > MOST:
            return None
        self.passed += len(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
