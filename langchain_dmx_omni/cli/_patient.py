"""Ctrl-C while calls are paid for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import _output


@contextmanager
def patient() -> Iterator[None]:
    """Say on Ctrl-C why it takes a moment, and how it takes none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        _output.note(
            "stopping: the calls in flight are awaited and kept, since they are paid for; Ctrl-C once more stops at "
            "once. Run it again to go on."
        )
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
