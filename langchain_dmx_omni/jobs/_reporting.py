"""How far a job is: a progress bar, or a call of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Progress(NamedTuple):
    """How far a job is with one recording."""

    name: str
    """Name of the task."""
    done: int
    """Windows that are answered, those kept from an earlier run included."""
    total: int


Report = Callable[[Progress], object]


@contextmanager
def reporting(progress: bool | Report) -> Iterator[Report]:
    """Give what each step is told to: a bar on standard error for True, nothing for False, or what was given."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda _: None
    else:
        from tqdm.auto import tqdm  # noqa: PLC0415  # a notebook's bar is slow to import

        bars: list[tqdm] = []

        def show(step: Progress) -> None:
            if not bars:  # what is kept already took no time
                bars.append(tqdm(desc=step.name, initial=step.done, total=step.total, unit="window"))
            bars[0].update(step.done - bars[0].n)

        try:
            yield show
        finally:
            for bar in bars:
                bar.close()
