"""What one process can measure of itself: CPU, peak memory, and how long its event loop was held up."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def cpu(work: Callable[[], object], times: int = 3) -> float:
    """Return the CPU seconds of a piece of work: the median of several times, after one that does not count."""
    work()
    spent = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def peak(work: Callable[[], object]) -> int:
    """Return by how many bytes the resident memory grew, at most, while the work ran."""
    with growth() as grown:
        work()
    return grown[0]


@contextlib.contextmanager
def growth() -> Iterator[list[int]]:
    """Measure the same for a block."""
    gc.collect()
    _CLEAR.write_text("5")  # forgets the peak so far (Linux)
    before, grown = resident(), []
    try:
        yield grown
    finally:
        grown.append(resident("VmHWM") - before)


def resident(name: str = "VmRSS") -> int:
    """Return the bytes of memory that this process occupies, or has occupied at most (`"VmHWM"`)."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """Measure how late a task that wants to run every millisecond was, at most, in seconds."""
    late = [0.0]

    async def beat() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            late[0] = max(late[0], time.perf_counter() - start - 0.001)

    task = asyncio.create_task(beat())
    await asyncio.sleep(0.01)
    late[0] = 0.0
    try:
        yield late
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
