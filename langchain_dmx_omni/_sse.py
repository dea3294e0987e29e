"""Bytes → server-sent events, incrementally and without waiting for anything.

Line ends are LF, CR LF and CR, and nothing else: JSON may hold U+2028 and U+0085 as they are. Beyond the
standard, the decoder lives with what gateways do to the format (see `EventDecoder`).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

_EXCERPT = 200
"""Bytes kept of lines that are no server-sent events, for the error message."""

_EMPTY_FIELDS = frozenset({b"data", b"event", b"id", b"retry"})
"""Fields without a colon, whose value is empty by the standard."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: the name of its `event:` line, or `""`, and its data."""

    name: str
    data: bytes


# Past the class's own `__new__`, which takes longer than all the rest.
_new_event = partial(tuple.__new__, ServerSentEvent)


class EventDecoder:
    """Turns a byte stream, cut anywhere, into events.

    Three readings go beyond the standard, because streams without blank lines exist:

    - An `event:` line after a `data:` line ends the event before it.
    - A `data:` line that begins with `{`, or is `[DONE]`, after data that ends with `}`, begins a new event.
      No JSON text has `}` directly before `{`, so no event with several data lines is cut apart.
    - A bare JSON object on lines of its own counts as data: proxies write their errors so.

    Attributes:
        stray: The beginning of what was neither event nor comment, such as an HTML page.
        before_stray: How many events had come before that.
        held: Bytes that are held of an event, or of a line, that has not ended.
    """

    def __init__(self) -> None:
        self.stray = b""
        self.before_stray = 0
        self._count = 0
        self.held = 0
        self._idle = False  # whether nothing is held that what comes next could belong to
        self._lead = b"data: "  # what the last event began with, and its name
        self._lead_name = ""
        self._at_start = True
        self._after_cr = False
        self._line: list[bytes] = []  # pieces of a line whose end has not arrived; joined once
        self._name = ""
        self._data: list[bytes] = []
        self._bare = False
        self._events: list[ServerSentEvent] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes."""
        if self._idle and (events := self._whole_events(chunk)):
            self._count += len(events)
            return events
        events = self._pieces(chunk)
        self._idle = not (self._line or self._name or self._data or self._after_cr or self._at_start or self._bare)
        return events

    def _whole_events(self, chunk: bytes) -> list[ServerSentEvent] | None:
        """Return the events of a chunk that holds nothing but whole ones of two lines, as nearly every chunk does."""
        if b"\r" in chunk:
            return None
        events, start, size = [], 0, len(chunk)
        while start < size:
            if not chunk.startswith(self._lead, start):  # events of one kind come in long runs
                colon = chunk.find(b"\ndata: ", start)
                head = chunk[start:colon]
                if colon < 0 or not head.startswith(b"event:") or b"\n" in head:
                    return None
                self._lead, self._lead_name = chunk[start : colon + 7], _name(head)
            at = start + len(self._lead)
            end = chunk.find(b"\n", at)
            if end <= at or not chunk.startswith(b"\n\n", end):
                return None
            events.append(_new_event((self._lead_name, chunk[at:end])))
            start = end + 2
        return events

    def _pieces(self, chunk: bytes) -> list[ServerSentEvent]:
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        # A piece of a long line is kept as it is: split() would copy it.
        *lines, last = chunk.split(b"\n") if b"\n" in chunk else [chunk]
        if lines and self._line:
            self.held -= sum(map(len, self._line))
            self._line.append(lines.pop(0))
            self._take_line()
        for line in lines:
            self._take(line)
        if last:
            self._line.append(last)
            self.held += len(last)
        return self._drain()

    def close(self) -> list[ServerSentEvent]:
        """Return what the end of the stream completes: an event whose blank line never came."""
        if self._line:
            self._take_line()
        self._end_event()
        return self._drain()

    def _drain(self) -> list[ServerSentEvent]:
        events, self._events = self._events, []
        self._count += len(events)
        return events

    def _take_line(self) -> None:
        """Take the line that has come in pieces."""
        pieces, self._line = self._line, []
        if self._at_start or not pieces[0].startswith(b"data: "):
            self._take(b"".join(pieces))
            return
        pieces[0] = pieces[0][6:]  # now, as cutting it off the whole would copy megabytes
        self._take_data(b"".join(pieces))

    def _take(self, line: bytes) -> None:
        if self._at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        if not line:
            self._end_event()
        elif line.startswith(b"data:"):
            self._take_data(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            if self._data:
                self._end_event()
            self._name = _name(line)
        elif line.startswith((b":", b"id:", b"retry:")) or line in _EMPTY_FIELDS:
            pass
        elif self._bare or line.startswith(b"{"):
            self._take_data(line)
            self._bare = True
        elif line.strip() and len(self.stray) < _EXCERPT:
            if not self.stray:
                self.before_stray = self._count + len(self._events) + bool(self._data)
            self.stray = (self.stray + line + b"\n")[:_EXCERPT]

    def _take_data(self, data: bytes) -> None:
        if (
            self._data
            and (data[:1] == b"{" or data == b"[DONE]")
            and (self._data[-1].endswith(b"}") or self._data[-1] == b"[DONE]")
        ):
            self._end_event()
        self._data.append(data)
        self.held += len(data) + 1

    def _end_event(self) -> None:
        if any(self._data):
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self._events.append(ServerSentEvent(self._name, data))
        self._name = ""
        self._data.clear()
        self.held = 0
        self._bare = False


def _name(line: bytes) -> str:
    return line[6:].strip().decode("utf-8", "replace")
