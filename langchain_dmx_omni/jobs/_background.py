"""Calls on threads that nobody has to wait for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_background(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Call a function on a thread of its own, in the context of the caller, and return what will be its result.

    Unlike those of an executor, the thread does not keep the process from ending.

    Raises:
        RuntimeError: There is no thread to be had.
    """
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def call() -> None:
        try:
            future.set_result(context.run(function, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # it is the caller's
            future.set_exception(error)

    threading.Thread(target=call, name=getattr(function, "__name__", None), daemon=True).start()
    return future
