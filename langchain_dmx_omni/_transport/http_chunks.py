"""HTTP chunks that have arrived together → one.

A service flushes each event of an answer in an HTTP chunk of its own, and taking a chunk apart costs httpx more
than everything else that is done with an event. Where chunks end means nothing, so those that one read brings go
on as one. What is not understood goes on as it came, for httpx to judge.
"""

from __future__ import annotations

_LINE = 1024
_HEAD = 65_536
"""Bytes within which a chunk's size, and a response's head, must end; of more, nothing is understood."""


class ChunkMerger:
    """Reads the bytes of one HTTP/1.1 connection, cut anywhere, and gives them back in fewer chunks."""

    def __init__(self) -> None:
        self.sent()

    def sent(self) -> None:
        """A request goes out: what comes next is the head of a response."""
        self._head: bytes | None = b""  # of the head so far; None behind it
        self._left = 0  # bytes of a chunk that goes on as it came
        self._held = b""  # the beginning of a chunk's size
        self._over = False  # whether all the rest goes on as it comes

    def feed(self, data: bytes) -> bytes:
        """Return what goes on: perhaps nothing yet, and for nothing (the connection has ended) what was held back."""
        if self._over:
            return data
        if self._head is not None:
            return self._find_body(data)
        if data and len(data) <= self._left:
            self._left -= len(data)
            return data
        held, self._held = self._held, b""
        return self._merge(held + data) if data else held

    def _find_body(self, data: bytes) -> bytes:
        known = self._head or b""
        head = known + data
        end = head.find(b"\r\n\r\n", max(0, len(known) - 3)) + 4
        if end < 4:
            self._head, self._over = head, len(head) > _HEAD
            return data
        passed, body = head[len(known) : end], head[end:]
        if head.startswith(b"1", len(b"HTTP/1.1 ")):  # an interim response; the head of the true one follows
            self._head = b""
            return passed + self._find_body(body)
        self._head = None
        lines = head[:end].lower().split(b"\r\n")
        self._over = not any(line.startswith(b"transfer-encoding:") and line.endswith(b"chunked") for line in lines)
        return data if self._over else passed + self._merge(body)

    def _merge(self, data: bytes) -> bytes:
        """Merge the whole chunks in `data`, which begins with the rest of one that went on as it came."""
        start = at = self._left
        self._left = 0
        whole: list[bytes] = []
        while True:
            line = data.find(b"\r\n", at, at + _LINE)
            length = _length(data[at:line]) if line >= 0 else None
            if not length:  # the last chunk, an unfinished line, or no chunk at all
                if line < 0 and len(data) - at < _LINE:
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


def _length(line: bytes) -> int | None:
    """Return the size that a chunk's first line names, or None."""
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        return None
