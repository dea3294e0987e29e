"""HTTP chunks that have arrived together → one.

A service flushes each event of an answer in an HTTP chunk of its own, and taking a chunk apart costs httpx more
than everything else that is done with an event. Where chunks end means nothing, so those that one read brings go
on as one. What is not understood goes on as it came, for httpx to judge.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LINE = 1024
_HEAD = 65_536
"""Bytes within which a chunk's size, and a response's head, must end; of more, nothing is understood."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_NO_TRAILERS = re.compile(rb"\r?\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;.*)?[ \t]*")
"""What h11 takes for the first line of a chunk. Python's `int` takes a sign, `0x` and `_` as well."""

_BODILESS = (b"204", b"304")


class ChunkMerger:
    """Reads the bytes of one HTTP/1.1 connection, cut anywhere, and gives them back in fewer chunks.

    Attributes:
        in_head: Whether the head of the response has not ended yet.
        behind: Whether anything has come behind the end of the response: then the connection is of no use any more,
            as it would be taken for the beginning of the next response.
    """

    def __init__(self) -> None:
        self.sent()

    def sent(self) -> None:
        """A request goes out: what comes next is the head of a response."""
        self.in_head = True
        self.behind = False
        self._head = b""  # as much of it as has come
        self._left = 0  # bytes of a chunk, or of a body, that go on as they came
        self._held = b""  # the beginning of a chunk's size
        self._trailers: bytes | None = None  # what has come behind the last chunk's size, once it is there
        self._chunked = False
        self._over = False  # whether all the rest goes on as it comes

    def feed(self, data: bytes) -> bytes:
        """Return what goes on: perhaps nothing yet, and for nothing (the connection has ended) what was held back."""
        if self._over:
            return data
        if self.in_head:
            return self._find_body(data)
        if data and len(data) <= self._left:
            self._left -= len(data)
            return data
        if not self._chunked or self._trailers is not None:
            self._end(data)
            return data
        held, self._held = self._held, b""
        return self._merge(held + data) if data else held

    def _find_body(self, data: bytes) -> bytes:
        known = len(self._head)
        head, searched = self._head + data, max(0, known - 2)
        start = 0  # of the response's own head, behind those of interim ones
        while end := _BLANK_LINE.search(head, searched):
            body = searched = end.end()
            status = head[start + 9 : start + 12]
            if status[:1] != b"1" or status == b"101":
                self._begin(status, head[start:body])
                passed = head[known:body]
                return passed + self.feed(head[body:]) if body < len(head) else passed
            start = body
        self._head = head[start:]
        self._over = len(self._head) > _HEAD
        return data

    def _begin(self, status: bytes, head: bytes) -> None:
        """Learn from a head how the body behind it ends."""
        self.in_head, self._head = False, b""
        lines = head.lower().replace(b"\r\n", b"\n").split(b"\n")
        self._chunked = any(line.startswith(b"transfer-encoding:") and line.endswith(b"chunked") for line in lines)
        lengths = {line[15:].strip() for line in lines if line.startswith(b"content-length:")}
        if status in _BODILESS:
            self._chunked = False
        elif not self._chunked:
            length = lengths.pop() if len(lengths) == 1 else b""
            self._left = int(length) if length.isdigit() and len(length) <= 20 else 0
            self._over = not length.isdigit()  # the end of the connection is the end of the body

    def _end(self, data: bytes) -> None:
        """Look for the end of the response in what goes on as it came."""
        if self._trailers is None:  # a body of a known length
            self.behind = self.behind or bool(data)
            self._left = 0
            return
        known = self._trailers
        trailers = known + data
        if end := _NO_TRAILERS.match(trailers) or _BLANK_LINE.search(trailers):
            self.behind, self._trailers, self._chunked = len(trailers) > end.end(), None, False
        else:
            self._trailers, self._over = trailers, len(trailers) > _HEAD

    def _merge(self, data: bytes) -> bytes:
        """Merge the whole chunks in `data`, which begins with the rest of one that went on as it came."""
        start = at = self._left
        self._left = 0
        whole: list[bytes] = []
        while True:
            line = data.find(b"\r\n", at, at + _LINE)
            length = _length(data[at:line]) if line >= 0 else None
            if not length:  # the last chunk, an unfinished line, or no chunk at all
                if length is not None:
                    self._trailers = b""
                    self._end(data[line + 2 :])
                elif line < 0 and len(data) - at < _LINE:
                    self._held = data[at:]
                else:
                    self._over = True
                break
            end = line + 2 + length
            if not data.startswith(b"\r\n", end):
                self._left, self._over = max(0, end + 2 - len(data)), end + 2 <= len(data)
                break
            whole.append(data[line + 2 : end])
            at = end + 2
        rest = data[at : len(data) - len(self._held)]
        if len(whole) < 2:
            return data[: len(data) - len(self._held)] if self._held else data
        merged = b"".join(whole)
        return b"%b%x\r\n%b\r\n%b" % (data[:start], len(merged), merged, rest)


@lru_cache(maxsize=256)  # chunks of an answer are of few sizes
def _length(line: bytes) -> int | None:
    """Return the size that a chunk's first line names in hex digits, as h11 takes them; None for any other line."""
    size = _SIZE.fullmatch(line)
    return int(size[1], 16) if size else None
