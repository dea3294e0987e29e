"""How far work is: told to a function, or drawn as a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from langchain_dmx_omni._extras import extra

__all__ = ["ProgressCallback", "Report", "progress_bar", "reporting"]

ProgressCallback = Callable[[float, float], object]
"""Called with the seconds of the source that are done, and all seconds that there are."""

Report = Callable[[float], object]
"""Called with how much is done by now."""


@contextmanager
def progress_bar(name: str, total: float, unit: str, *, initial: float = 0, digits: int = 0) -> Iterator[Report]:
    """Draw a bar on standard error, and yield the function that moves it.

    Args:
        name: What stands before the bar.
        total: How much there is to do.
        unit: What is counted, such as `"s"`.
        initial: How much was done before, and took no time now.
        digits: Of what is done, behind the point.
    """
    with extra("video", "a progress bar", "tqdm"):
        from tqdm.auto import tqdm  # noqa: PLC0415  # a notebook's bar is slow to import

    count = f"{{n:.{digits}f}}/{{total}}" if digits else "{n_fmt}/{total_fmt}"
    layout = f"{{l_bar}}{{bar}}| {count} [{{elapsed}}<{{remaining}}, {{rate_fmt}}{{postfix}}]"
    with tqdm(desc=name, initial=round(initial), total=round(total), unit=unit, bar_format=layout) as bar:
        yield lambda done: bar.update(round(done, digits) - bar.n)


@contextmanager
def reporting(progress: ProgressCallback | bool, total: float, name: str) -> Iterator[Report]:
    """Yield the function that takes the seconds that are done, and passes each whole second on once.

    Args:
        progress: What they are passed to; True for a bar, False for nothing.
        total: All seconds.
        name: What stands before the bar.
    """
    if callable(progress):
        progress(0.0, total)
        yield _each_second(progress, total)
        progress(total, total)
    elif progress:
        with progress_bar(name, total, "s") as report:
            yield _each_second(lambda done, _: report(done), total)
            report(total)
    else:
        yield lambda done: None


def _each_second(progress: ProgressCallback, total: float) -> Report:
    latest = 0

    def report(done: float) -> None:
        nonlocal latest
        if int(done) > latest:
            latest = int(done)
            progress(min(done, total), total)

    return report
