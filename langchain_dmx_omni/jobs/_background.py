"""Calls on threads: awaited by whoever leaves, even by Ctrl-C, and by nobody after a second one."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_TURN = 0.2
"""Seconds of one wait. The system may hand Ctrl-C to another thread than the one that waits, which would wait on."""


def take(queue: SimpleQueue[T]) -> T:
    """Return the next of a queue, as soon as there is one; Ctrl-C comes through."""
    while True:
        with suppress(Empty):
            return queue.get(timeout=_TURN)


def acquire(places: threading.Semaphore) -> None:
    """Take one of several places, as soon as one is free; Ctrl-C comes through."""
    while not places.acquire(timeout=_TURN):
        pass


def _await(calls: Iterable[Future[Any]]) -> None:
    """Wait for calls; Ctrl-C comes through."""
    left = set(calls)
    while left:
        left = wait(left, timeout=_TURN).not_done


class Calls:
    """Calls on threads of their own, as a context: whoever leaves it waits for those under way.

    Ctrl-C comes between any two instructions. So a call is known here before its thread starts, and begins only if
    nobody has left by then: what has begun is awaited, wherever Ctrl-C comes. The second one waits for nothing; unlike
    those of an executor, the threads do not keep the process from ending.
    """

    def __init__(self) -> None:
        self._under_way: set[Future[Any]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            self._leave()
            return
        try:
            _await(list(self._under_way))
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        """Wait for the calls that have begun; the others never will."""
        _await([call for call in list(self._under_way) if not call.cancel()])

    def begin(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function on a thread, in the context of the caller, and return what will be its result.

        Raises:
            RuntimeError: There is no thread to be had.
        """
        future: Future[T] = Future()
        context = contextvars.copy_context()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(context.run(function, *args, **kwargs))
            except BaseException as error:  # noqa: BLE001  # it is the caller's
                future.set_exception(error)

        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        try:
            threading.Thread(target=call, name=getattr(function, "__name__", None), daemon=True).start()
        except RuntimeError:
            future.cancel()
            raise
        return future
