"""What the gateway remembers of a request."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class RecordedRequest:
    """One request, filled in as it arrives and is answered.

    Attributes:
        path: The URL's path.
        headers: Names in lower case.
        body: The parsed JSON, once it has arrived whole; None if it is no JSON object.
        size: Bytes of the body that have arrived.
        disconnected: Set when the client goes away before the answer was fully sent.
        error: What the gateway's answer function raised; None if nothing.
        finished: Set when the gateway is done with the request: answered, aborted, or given up.
    """

    path: str
    headers: dict[str, str] = field(repr=False)
    body: dict[str, Any] | None = field(default=None, repr=False)
    size: int = 0
    error: BaseException | None = None
    disconnected: threading.Event = field(default_factory=threading.Event, repr=False)
    finished: threading.Event = field(default_factory=threading.Event, repr=False)
