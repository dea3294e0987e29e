"""A task over several recordings: what it would cost, one bar over all of them, and what each has used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig
from rich.progress import Progress

from langchain_dmx_omni.errors import DMXOmniError
from langchain_dmx_omni.jobs import Job, Result, Window
from langchain_dmx_omni.jobs._used import Used
from langchain_dmx_omni.video import MediaInfo, probe

from . import _output, _prices
from ._failures import report
from ._patient import patient
from ._prices import Estimate, Prices
from ._tables import progress, show


@dataclass(frozen=True)
class Plan:
    """A recording, and the windows that are still to be asked about."""

    path: Path
    windows: Sequence[Window]
    info: MediaInfo

    def estimate(self, window: Window, of: Prices) -> Estimate:
        """Return what sending a window comes to."""
        size = (self.info.width, self.info.height) if self.info.width and self.info.height else None
        return _prices.sent(window.end - window.start, size, sound=self.info.has_audio, of=of)


class Counted(Used):
    """What the calls for one recording have used, and which of its windows are done.

    Args:
        on_window: Called once for each window that has an answer, or none for good.
    """

    def __init__(self, on_window: Callable[[], object]) -> None:
        super().__init__()
        self._on_window = on_window
        self._windows: dict[UUID, int] = {}
        self._ended: set[int] = set()

    @property
    def ended(self) -> int:
        """How many windows are done."""
        return len(self._ended)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: Any, *, run_id: UUID, metadata: Any = None, **kwargs: Any
    ) -> None:
        """Note which window a call is about; the closing question is about none."""
        if metadata and "window" in metadata:
            with self._lock:
                self._windows[run_id] = metadata["window"]

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Add what a call has used."""
        super().on_llm_end(response, run_id=run_id, **kwargs)
        self._end(run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Move on: the job decides what becomes of the window."""
        self._end(run_id)

    def _end(self, run_id: UUID) -> None:
        with self._lock:
            window = self._windows.pop(run_id, None)
            if window is None or window in self._ended:  # one that is asked about again is one all the same
                return
            self._ended.add(window)
            self._on_window()


def planned(job: Job[Any], paths: Sequence[Path]) -> tuple[list[Plan], bool]:
    """Return the plans of the recordings that can be asked about, and whether that is all; others are named."""
    plans, whole = [], True
    for path in paths:
        try:
            plans.append(Plan(path, job.missing(path), probe(path)))
        except DMXOmniError as failure:
            report(failure)
            whole = False
    return plans, whole


def show_plans(plans: Sequence[Plan], of: Prices) -> None:
    """Say what would be asked, and what sending that comes to."""
    rows, total = [], Estimate(0, 0.0)
    for plan in plans:
        for window in plan.windows:
            estimate = plan.estimate(window, of)
            total = Estimate(total.tokens + estimate.tokens, total.cost + estimate.cost)
            span = f"{window.start:.1f}", f"{window.end:.1f}"
            rows.append((plan.path.name, str(window.index + 1), *span, f"{estimate.tokens:,}"))
        if not plan.windows:
            rows.append((plan.path.name, "-", "-", "-", "0"))
    show(("file", "window", "from", "to", "tokens"), rows, right=("window", "from", "to", "tokens"))
    count = sum(len(plan.windows) for plan in plans)
    windows = f"{count} window{'s' * (count != 1)} to ask about"
    _output.note(f"{windows}, {total.tokens:,} tokens to send, {_prices.said(total.cost)}; answers on top")


def run(
    job: Job[Any], plans: Sequence[Plan], concurrency: int, of: Prices, finish: Callable[[Path, Result], None]
) -> bool:
    """Run a job over recordings, and return whether all went well.

    Args:
        job: The job.
        plans: The recordings.
        concurrency: Calls in flight, and recordings at a time.
        of: The prices.
        finish: Called with each result as soon as its group of recordings is done.
    """
    whole = True
    total = sum(len(plan.windows) for plan in plans)
    with progress(total, "windows") as display, patient():
        bar = display.add_task(job.task.name, total=total)
        for at in range(0, len(plans), concurrency):
            group = plans[at : at + concurrency]
            used = [Counted(lambda: display.advance(bar)) for _ in group]
            configs: list[RunnableConfig] = [{"callbacks": [each], "max_concurrency": concurrency} for each in used]
            results = job.batch([plan.path for plan in group], configs, return_exceptions=True)
            for plan, each, result in zip(group, used, results, strict=True):
                whole &= _finished(plan.path, each, result, of, finish)
                _settle(display, bar, plan, each)
    return whole


def _settle(display: Progress, bar: Any, plan: Plan, used: Counted) -> None:
    """Count the windows that nobody asked about any more, so that the bar ends where it should."""
    display.advance(bar, max(0, len(plan.windows) - used.ended))


def _finished(path: Path, used: Counted, result: Any, of: Prices, finish: Callable[[Path, Result], None]) -> bool:
    if isinstance(result, BaseException):
        if not isinstance(result, DMXOmniError | OSError):
            raise result
        report(result, path.name)
    else:
        try:
            finish(path, result)
        except (DMXOmniError, OSError) as failure:
            report(failure, path.name)
            result = failure
        for gap in getattr(result, "missing", ()):
            _output.note(f"{path.name}: {gap.window.start:.0f}-{gap.window.end:.0f} s is missing: {gap.error}")
    if used.calls:
        cost = _prices.said(_prices.cost(used.tokens, of))
        calls = f"{used.calls} call{'s' * (used.calls > 1)}"
        _output.note(f"{path.name}: {calls}, tokens: {_output.usage(used.tokens, cost)}")
    else:
        _output.note(f"{path.name}: no calls, all answers were kept")
    return not isinstance(result, BaseException)
