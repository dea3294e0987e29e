"""Many calls on threads of their own, a few at a time: their results as they come."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from ._background import Calls, take

InputT = TypeVar("InputT")
ResultT = TypeVar("ResultT")


def completed(
    call: Callable[[InputT], ResultT],
    inputs: Iterable[InputT],
    at_a_time: int,
    stop: Callable[[BaseException], None],
) -> Generator[tuple[int, Future[ResultT]]]:
    """Yield the place of each input with its finished call, in the order in which they finish.

    An input is taken only when there is room for it. Whoever leaves early, by an error or Ctrl-C, waits for the calls
    under way, after they were told to stop.

    Args:
        call: What is called with each input.
        inputs: The inputs.
        at_a_time: Calls under way at most.
        stop: Tells the calls under way that nothing more is wanted of them; it is given the reason.
    """
    finished: queue.SimpleQueue[tuple[int, Future[ResultT]]] = queue.SimpleQueue()
    under_way = 0
    with Calls() as calls:
        try:
            waiting = enumerate(inputs)
            while True:
                if under_way >= at_a_time:
                    yield take(finished)
                    under_way -= 1
                if (following := next(waiting, None)) is None:
                    break
                index, each = following
                calls.begin(call, each).add_done_callback(partial(_put, finished, index))
                under_way += 1
            for _ in range(under_way):
                yield take(finished)
        except BaseException as interruption:
            stop(interruption)
            raise


def _put(finished: queue.SimpleQueue[tuple[int, Future[ResultT]]], index: int, future: Future[ResultT]) -> None:
    finished.put((index, future))
