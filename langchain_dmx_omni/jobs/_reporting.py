"""How far a job is: a progress bar, or a call of your own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from langchain_dmx_omni.video.progress import Report, progress_bar


class Progress(NamedTuple):
    """How far a job is with one recording."""

    name: str
    """Name of the task."""
    done: int
    """Windows that are answered, those kept from an earlier run included."""
    total: int


OnProgress = Callable[[Progress], object]
"""Called with how far a job is, at its beginning and after each window."""


class Overall:
    """How far several recordings are together; each counts as one, as far as its windows are answered.

    Args:
        report: Called with how many are done.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._shares: list[float] = []
        self._lock = threading.Lock()

    def part(self) -> OnProgress:
        """Return the function that is called with each step of one more recording."""
        with self._lock:
            place = len(self._shares)
            self._shares.append(0.0)

        def report(step: Progress) -> None:
            with self._lock:
                self._shares[place] = step.done / step.total if step.total else 1.0
                self._report(sum(self._shares))

        return report


@contextmanager
def overall(progress: OnProgress | Overall | bool, name: str, recordings: int) -> Iterator[OnProgress | Overall | bool]:
    """Yield what tells of the progress of each of several recordings: for `progress=True`, one bar over all of them."""
    if progress is not True or not recordings:
        yield progress
        return
    with progress_bar(name, recordings, "recording", digits=1) as report:
        yield Overall(report)
        report(recordings)  # those that could not be read, too


@contextmanager
def reporting(progress: OnProgress | Overall | bool, current: Progress) -> Iterator[OnProgress]:
    """Yield the function that is called with each step.

    Args:
        progress: That function; True for one that draws a bar on standard error, False for one that does nothing.
        current: How far the job is now.
    """
    if isinstance(progress, Overall):
        yield progress.part()
    elif callable(progress):
        yield progress
    elif progress:
        with progress_bar(current.name, current.total, "window", initial=current.done) as report:
            yield lambda step: report(step.done)
    else:
        yield lambda _: None
