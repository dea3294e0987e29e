"""What goes wrong → what the page shows: the error's message, and names by which the page knows a remedy."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from langchain_dmx_omni.errors import DMXOmniError, InvalidInputError

_logger = logging.getLogger(__name__)


class PageError(InvalidInputError):
    """Something that only this page refuses.

    Attributes:
        reason: By which the page finds its own words for it, in the user's language.
        status: Of the response.
    """

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


def described(failure: BaseException, folder: Path | None = None) -> dict[str, Any]:
    """Return the event for an error.

    Args:
        failure: The error.
        folder: Where uploads are: a person knows their files by name.
    """
    if not isinstance(failure, DMXOmniError | OSError | ImportError):
        _logger.error("the page could not answer", exc_info=failure)
        return {"type": "error", "kinds": ["Unexpected"], "message": type(failure).__name__}
    message = "\n".join([str(failure) or type(failure).__name__, *getattr(failure, "__notes__", ())])
    if folder is not None:
        message = _without(message, folder)
    kinds = [each.__name__ for each in type(failure).__mro__ if each.__module__.startswith("langchain_dmx_omni.")]
    reasons = [failure.reason] if isinstance(failure, PageError) else []
    return {"type": "error", "kinds": [*reasons, *(kinds or ["OSError"])], "message": message}


def _without(message: str, folder: Path) -> str:
    """Return a message in which uploads are called by their names."""
    return re.sub(rf"{re.escape(str(folder))}[/\\][^/\\]+[/\\][^/\\]+[/\\]", "", message)
