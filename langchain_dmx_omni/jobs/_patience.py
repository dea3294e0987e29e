"""When asking on would be in vain: after a failure that spares nobody, or several in a row."""

from __future__ import annotations

from typing import Final

from langchain_core.exceptions import ModelAuthenticationError, ModelNotFoundError, ModelPermissionDeniedError

from langchain_dmx_omni.errors import BadRequestError, ContentBlockError, StorageError, UnreadableAnswerError

REFUSALS: Final = (BadRequestError, UnreadableAnswerError, ContentBlockError)
"""What is wrong with one question, and may be right with the next one."""
HOPELESS: Final = (ModelAuthenticationError, ModelNotFoundError, ModelPermissionDeniedError, StorageError)
"""What is wrong with all of them."""
_IN_A_ROW: Final = 3
"""Questions in a row that may fail for another reason, such as a lost connection."""


class Patience:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self._in_a_row: list[BaseException] = []

    def succeed(self) -> None:
        """Take note of an answer."""
        self._in_a_row = []

    def fail(self, error: BaseException) -> BaseException | None:
        """Take note of a failure, and return the error to give up with, or None to go on."""
        self._in_a_row = [] if isinstance(error, REFUSALS) else [*self._in_a_row, error]
        if not isinstance(error, Exception) or isinstance(error, HOPELESS):
            return error
        return self._in_a_row[0] if len(self._in_a_row) >= _IN_A_ROW else None
