"""How far the work is: told to a callable, or drawn as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[float, float], object] | bool
"""Called with the seconds of the source that are done and those that there are; True draws a bar, False nothing."""

Report = Callable[[float], object]


@contextmanager
def reporting(progress: Progress, total: float, name: str) -> Iterator[Report]:
    """Return what is to be told how many seconds are done; told each whole second once."""
    if progress is False:
        yield lambda done: None
        return
    if progress is True:
        from tqdm.auto import tqdm  # noqa: PLC0415  # a notebook's bar is slow to import

        with tqdm(total=round(total), desc=name, unit="s", unit_scale=False) as bar:
            yield _each_second(lambda done, _: bar.update(round(done) - bar.n), total)
            bar.update(round(total) - bar.n)
        return
    progress(0.0, total)
    yield _each_second(progress, total)
    progress(total, total)


def _each_second(tell: Callable[[float, float], object], total: float) -> Report:
    told = 0

    def report(done: float) -> None:
        nonlocal told
        if int(done) > told:
            told = int(done)
            tell(min(done, total), total)

    return report
