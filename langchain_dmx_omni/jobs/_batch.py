"""What the runs of several recordings share: the calls in flight, and the word to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ._run import Run

CONCURRENCY = 4
"""Windows that are asked about at a time where the config's `max_concurrency` says nothing."""


class Batch:
    """What the runs of a batch share.

    Args:
        limit: Calls in flight, of all of them together.

    Attributes:
        slots: The places of calls, for threads.
        async_slots: The same for an event loop.
    """

    def __init__(self, limit: int) -> None:
        self.slots = threading.Semaphore(limit)
        self.async_slots = asyncio.Semaphore(limit)
        self._lock = threading.Lock()
        self._runs: set[Run[Any]] = set()
        self._stopped: BaseException | None = None

    @contextmanager
    def running(self, run: Run[Any]) -> Iterator[None]:
        """Let a run be stopped with the others while it is under way."""
        with self._lock:
            self._runs.add(run)
            stopped = self._stopped
        if stopped is not None:
            run.stop(stopped)
        try:
            yield
        finally:
            with self._lock:
                self._runs.discard(run)

    def stop(self, error: BaseException) -> None:
        """Ask about no further window; what is in flight is kept."""
        with self._lock:
            self._stopped = self._stopped or error
            runs = list(self._runs)
        for run in runs:
            run.stop(error)


def concurrency(config: Mapping[str, Any]) -> int:
    """Return how many calls may be in flight."""
    return max(config.get("max_concurrency") or CONCURRENCY, 1)
