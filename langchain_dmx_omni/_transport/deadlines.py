"""Deadlines that count events, not bytes.

A service that sends `: PING` for minutes sends bytes and makes no progress, so the time without an event is
what counts, and the time that the caller takes between two reads is not. An event loop can give up waiting by
itself; a thread that waits on a socket can't, so the sync road has a watchdog that ends its wait. Both look at
a deadline now and then instead of being told each time that it moves, so that an event costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from langchain_dmx_omni.errors import FirstEventTimeoutError, IdleTimeoutError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable


class Deadline:
    """When the next event is due.

    Args:
        first: Seconds from the end of sending to the first event, or None for no limit.
        idle: Seconds from one event to the next, or None for no limit.
        clock: Returns the time in seconds.

    Attributes:
        at: The clock's time that ends the wait; infinite while nobody waits.
        pace: Seconds that any wait may last at least: to look at `at` so often is to never be late.
        missed: Whether a wait was ended from outside.
    """

    def __init__(self, first: float | None, idle: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._first = first
        self._idle = math.inf if idle is None else idle
        self._limit = math.inf if first is None else first
        self._had_event = False
        self.pace = min(self._limit, self._idle)
        self.at = math.inf
        self.missed = False

    def sent(self) -> None:
        """Start the clock: the request is on its way."""
        self.at = self.clock() + self._limit

    def waiting(self) -> None:
        """The caller waits again. After an event, its own time is forgiven; after a comment, the clock runs on."""
        if self.at == math.inf:
            self.at = self.clock() + self._limit

    def event(self) -> None:
        """An event has arrived."""
        self.at = math.inf
        self._limit = self._idle
        self._had_event = True

    @property
    def running(self) -> bool:
        """Whether the clock runs: the request is on its way."""
        return self.at != math.inf

    @property
    def remaining(self) -> float | None:
        """Seconds left, or None for no limit."""
        return None if self.at == math.inf else max(0.0, self.at - self.clock())

    @property
    def next_look(self) -> float:
        """Seconds after which to look at `at` again."""
        return min(self.at - self.clock(), self.pace)

    @property
    def passed(self) -> bool:
        """Whether the deadline has passed."""
        return self.missed or self.clock() >= self.at

    def error(self) -> RequestTimeoutError:
        """Return the error that names the deadline which passed."""
        if self._had_event:
            return IdleTimeoutError(f"no further event {within(self._idle)} (idle_timeout)")
        return FirstEventTimeoutError(f"no event {within(self._first)} of sending (first_event_timeout)")


def within(seconds: float | None) -> str:
    """Return a limit in words."""
    return "in time" if seconds in (None, math.inf) else f"within {seconds:g} s"


class Alarm:
    """Ends the waits of an async stream at its deadline.

    One timer does for all of them: it looks at the deadline when it goes off, and goes on if that has moved.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """The running task is about to wait."""
        self._task = task = asyncio.current_task()
        self._cancelling = task.cancelling() if task is not None else 0
        if self._timer is None and self._deadline.at != math.inf:
            self._sleep()

    def rang(self) -> bool:
        """Whether this alarm, and nobody else, has cancelled the task that waits."""
        task = self._task
        return self._deadline.missed and task is not None and task.uncancel() <= self._cancelling

    def off(self) -> None:
        """Nobody will wait any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _sleep(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, self._deadline.next_look), self._look)

    def _look(self) -> None:
        if self._deadline.at > self._deadline.clock():
            self._sleep()
        elif self._task is not None:
            self._deadline.missed = True
            self._task.cancel()


class Watchdog:
    """Ends waits on sockets at their deadlines, from one thread that sleeps while there is nothing to do."""

    _REST = 10.0
    """Seconds without work after which the thread ends."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waits: dict[Deadline, socket.socket] = {}
        self._chores: list[Callable[[], object]] = []
        self._thread: threading.Thread | None = None
        self._wakes = math.inf

    def watch(self, deadline: Deadline, sock: socket.socket) -> bool:
        """Shut a socket down when a deadline passes, so that what waits on it returns.

        The deadline may move at any time, without a word. It must be forgotten before the socket can serve another.

        Returns:
            Whether anyone watches: False if there is no thread to be had.
        """
        with self._changed:
            self._waits[deadline] = sock
            if self._started() and time.monotonic() + deadline.next_look < self._wakes:
                self._changed.notify()
            if self._thread is None:
                del self._waits[deadline]
            return self._thread is not None

    def forget(self, deadline: Deadline) -> None:
        """Watch a deadline no more."""
        with self._changed:
            self._waits.pop(deadline, None)

    def later(self, chore: Callable[[], object]) -> None:
        """Run a chore in the thread, soon, without waiting for it or for any lock that it takes."""
        with self._changed:
            self._chores.append(chore)
            if self._started():
                self._changed.notify()

    def _started(self) -> bool:
        """Start the thread, unless it runs; return whether it did. With no thread to be had, the next call tries."""
        if self._thread is not None:
            return True
        thread = threading.Thread(target=self._watch, name="dmx-omni-deadlines", daemon=True)
        with contextlib.suppress(RuntimeError, MemoryError):
            thread.start()  # it waits for the caller's block to end
            self._thread = thread
        return False

    def _watch(self) -> None:
        while True:
            with self._changed:
                chores, self._chores = self._chores, []
                if not chores and not self._sleep():
                    self._thread = None
                    return
            # Outside the lock: what they wait for may itself be waiting to call `later`.
            for chore in chores:
                with contextlib.suppress(Exception):
                    chore()

    def _sleep(self) -> bool:
        """Wait for a deadline or for a change; return whether there is anything more to do."""
        now = time.monotonic()
        for deadline, sock in [*self._waits.items()]:
            if deadline.at <= deadline.clock():
                del self._waits[deadline]
                deadline.missed = True
                # The class's own method: an SSL socket's would tear down what the reader still uses.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._wakes = now + min((deadline.next_look for deadline in self._waits), default=math.inf)
        resting = self._wakes == math.inf
        woken = self._changed.wait(min(self._REST, self._wakes - now))
        return bool(woken or not resting or self._waits or self._chores)


watchdog = Watchdog()


def _renew() -> None:
    """A forked child has no threads, and perhaps a lock that one of them held."""
    watchdog.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
