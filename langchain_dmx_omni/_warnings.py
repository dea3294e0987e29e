"""Warnings that point at the user's own line, however deep in LangChain's and our own code they arise."""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import DMXOmniWarning

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

_ON_THE_WAY = frozenset(
    {
        "langchain_dmx_omni",
        "langchain",
        "langchain_core",
        "langgraph",
        "langsmith",
        "pydantic",
        "tenacity",
        "asyncio",
        "concurrent",
        "contextlib",
        "functools",
        "queue",
        "selectors",
        "threading",
    }
)
"""Packages that stand between a user's line and ours."""


class _Place(NamedTuple):
    """A line of code, and what Python keeps so that it warns about it once."""

    filename: str
    lineno: int
    module: str | None
    registry: dict[Any, Any]


_place: ContextVar[_Place | None] = ContextVar("place", default=None)
"""Where the user called, for work that goes on in other threads and tasks, whose stacks don't reach back there."""


def warn_user(message: str, category: type[Warning] = DMXOmniWarning) -> None:
    """Warn about the line outside of this package, and of what lies between, that led here."""
    filename, lineno, module, registry = _place.get() or _users_place()
    warnings.warn_explicit(message, category, filename, lineno, module, registry)


@contextmanager
def from_here() -> Generator[None]:
    """Let warnings of the work inside, in other threads and tasks too, point at the line that has called so far."""
    token = _place.set(_place.get() or _users_place())
    try:
        yield
    finally:
        _place.reset(token)


def _users_place() -> _Place:
    here = sys._getframe(1)
    # LangChain's threads have no line of the user's; the main thread waits for them, and most often at one.
    frame = _users_frame(here) or _users_frame(sys._current_frames().get(threading.main_thread().ident or 0)) or here
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return _Place(frame.f_code.co_filename, frame.f_lineno, names.get("__name__"), registry)


def _users_frame(frame: FrameType | None) -> FrameType | None:
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _ON_THE_WAY:
        frame = frame.f_back
    return frame
