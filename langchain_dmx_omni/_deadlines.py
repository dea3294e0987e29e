"""Deadlines that count events, not bytes.

A service that sends `: PING` for minutes sends bytes and makes no progress, so the time without an event is
what counts, and the time that the caller takes between two reads is not. An event loop can give up waiting by
itself; a thread that waits on a socket can't, so the sync road has a watchdog that ends its wait.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

from .errors import FirstEventTimeoutError, IdleTimeoutError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Deadline:
    """When the next event is due.

    Args:
        first: Seconds from the end of sending to the first event, or None for no limit.
        idle: Seconds from one event to the next, or None for no limit.
    """

    def __init__(self, first: float | None, idle: float | None) -> None:
        self._first = first
        self._idle = idle
        self._seen = False
        self._fresh = True
        self.at = math.inf

    def sent(self) -> None:
        """Start the clock: the request is on its way."""
        self.at = _after(self._first)
        self._fresh = False

    def waiting(self) -> None:
        """The caller waits again. After an event, its own time is forgiven; after a comment, the clock runs on."""
        if self._fresh:
            self._fresh = False
            self.at = _after(self._idle if self._seen else self._first)

    def event(self) -> None:
        """An event has arrived."""
        self._seen = self._fresh = True

    @property
    def remaining(self) -> float | None:
        """Seconds left, or None for no limit."""
        return None if self.at == math.inf else max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return not self._fresh and time.monotonic() >= self.at

    def error(self) -> RequestTimeoutError:
        """Return the error that names the deadline which passed."""
        if self._seen:
            return IdleTimeoutError(f"no further event {within(self._idle)} (idle_timeout)")
        return FirstEventTimeoutError(f"no event {within(self._first)} of sending (first_event_timeout)")


def within(seconds: float | None) -> str:
    """Return a limit in words."""
    return "in time" if seconds is None else f"within {seconds:g} s"


def _after(seconds: float | None) -> float:
    return math.inf if seconds is None else time.monotonic() + seconds


class Watchdog:
    """Ends waits on sockets at their deadlines, from one thread that sleeps while there is nothing to do."""

    _REST = 10.0
    """Seconds without work after which the thread ends."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waits: dict[object, tuple[float, socket.socket, Callable[[], bool]]] = {}
        self._chores: list[Callable[[], object]] = []
        self._thread: threading.Thread | None = None
        self._wakes = math.inf

    @contextlib.contextmanager
    def limit(
        self, sock: socket.socket | None, at: float, unless: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Shut a socket down if the block is not left by `at` (of `time.monotonic`): what waits on it returns.

        Args:
            sock: The socket; None limits nothing.
            at: The deadline.
            unless: Tells that the wait is over, though the block has not been left: the socket may serve another.
        """
        if sock is None or at == math.inf:
            yield
            return
        wait = object()
        with self._changed:
            self._waits[wait] = (at, sock, unless)
            if not self._started() and at < self._wakes:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._waits.pop(wait, None)

    def later(self, chore: Callable[[], object]) -> None:
        """Do something in the thread, soon. Never waits for it, nor for any lock that it takes."""
        with self._changed:
            self._chores.append(chore)
            if not self._started():
                self._changed.notify()

    def _started(self) -> bool:
        """Start the thread, unless it runs."""
        if self._thread is not None:
            return False
        thread = threading.Thread(target=self._watch, name="dmx-omni-deadlines", daemon=True)
        thread.start()  # it waits for the caller's block to end
        self._thread = thread
        return True

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
        for wait, (at, sock, unless) in [*self._waits.items()]:
            if at > now:
                continue
            del self._waits[wait]
            if not unless():
                # The class's own method: an SSL socket's would tear down what the reader still uses.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._wakes = min((at for at, *_ in self._waits.values()), default=math.inf)
        resting = self._wakes == math.inf
        woken = self._changed.wait(min(self._REST, self._wakes - now))
        return bool(woken or not resting or self._waits or self._chores)


watchdog = Watchdog()


def _renew() -> None:
    """A forked child has no threads, and perhaps a lock that one of them held."""
    watchdog.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
