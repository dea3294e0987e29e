"""How far a job is: a progress bar, or a call of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from langchain_dmx_omni.video.progress import progress_bar


class Progress(NamedTuple):
    """How far a job is with one recording."""

    name: str
    """Name of the task."""
    done: int
    """Windows that are answered, those kept from an earlier run included."""
    total: int


OnProgress = Callable[[Progress], object]
"""Called with how far a job is, at its beginning and after each window."""


@contextmanager
def reporting(progress: OnProgress | bool, current: Progress) -> Iterator[OnProgress]:
    """Yield the function that is called with each step.

    Args:
        progress: That function; True for one that draws a bar on standard error, False for one that does nothing.
        current: How far the job is now.
    """
    if callable(progress):
        yield progress
    elif progress:
        with progress_bar(current.name, current.total, "window", initial=current.done) as report:
            yield lambda step: report(step.done)
    else:
        yield lambda _: None
