"""Reading ahead: a thread decodes what comes next while the caller encodes what there is."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

T = TypeVar("T")


def read_ahead(items: Iterator[T], most: int) -> Generator[T]:
    """Yield what an iterator gives, or raise what it raises; closing it waits for the thread.

    Args:
        items: It is run by the thread alone.
        most: How many it may be ahead, at least 1.
    """
    ready: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    room, closed = threading.Semaphore(most - 1), threading.Event()  # one waits in the thread

    def read() -> None:
        try:
            for item in items:
                ready.put((item,))
                room.acquire()
                if closed.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  # it is the caller's
            ready.put(error)
        else:
            ready.put(None)

    thread = threading.Thread(target=read, name="dmx-omni-video", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            room.release()
            yield item[0]
    finally:
        closed.set()
        room.release()
        thread.join()
