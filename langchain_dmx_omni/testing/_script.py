"""What the gateway sends, byte for byte: a `Script` is one HTTP answer, pauses and breakage included.

A script knows nothing of sockets; the gateway plays it. The two builders here cover what the service sends at the level
of HTTP: server-sent events (`sse`) and error bodies (`error`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Event = dict[str, Any]
"""One event's JSON object; its `type` is also the event's name."""

ErrorShape = Literal["nested", "flat", "blank", "html", "empty"]

EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Abort:
    """The type of `ABORT`."""


ABORT: Final = Abort()
"""In a script's body: drop the TCP connection here, without ending the HTTP body."""


@dataclass(frozen=True)
class Script:
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        headers: HTTP headers, names in any case.
        body: Played in order. `bytes` are sent as one chunk and flushed, a `float` is a pause in seconds, and
            `ABORT` drops the connection. The end of the sequence is a clean end of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": EVENT_STREAM})
    body: Sequence[bytes | float | Abort] = ()

    @property
    def payload(self) -> bytes:
        """The body's bytes, joined, as if nothing paused or broke."""
        return b"".join(step for step in self.body if isinstance(step, bytes))


def sse(
    events: Iterable[Event],
    *,
    newline: bytes = b"\n",
    blank_lines: bool = True,
    event_lines: bool = True,
    data_space: bool = True,
    done: bool = True,
    pings: int = 0,
    cut: int | None = None,
    pause: float = 0.0,
) -> Script:
    r"""Write events as server-sent events, one chunk an event.

    Args:
        events: JSON objects; `type` names the event. Text goes out as UTF-8, not as `\u` escapes.
        newline: LF, CR LF or CR.
        blank_lines: Whether a blank line ends each event.
        event_lines: Whether each event has an `event:` line before its `data:` line.
        data_space: Whether a space follows `data:` and `event:`.
        done: Whether `data: [DONE]` ends the stream.
        pings: `: PING` comments before every event.
        cut: Cut the whole body anew into chunks of this many bytes, wherever that falls.
        pause: Seconds between two chunks.
    """
    colon = b": " if data_space else b":"
    end = newline * (2 if blank_lines else 1)
    chunks: list[bytes] = []
    for event in events:
        chunks += [b": PING" + end] * pings
        name = b"event" + colon + str(event.get("type", "message")).encode() + newline if event_lines else b""
        chunks.append(name + b"data" + colon + _json(event) + end)
    if done:
        chunks.append(b"data" + colon + b"[DONE]" + end)
    if cut is not None:
        whole = b"".join(chunks)
        chunks = [whole[start : start + cut] for start in range(0, len(whole), cut)]
    return Script(body=tuple(_paused(chunks, pause)))


def error(
    status: int,
    message: str = "The request was refused.",
    *,
    code: str | None = None,
    type: str = "rix_api_error",
    param: str | None = None,
    shape: ErrorShape = "nested",
    headers: Mapping[str, str] | None = None,
) -> Script:
    """Return an HTTP error in one of the shapes the service and the proxies before it are known for.

    Args:
        status: HTTP status.
        message: The error's message; a `blank` or `empty` shape leaves it out.
        code: The error's `code`.
        type: The error's `type`: `rix_api_error`, `new_api_error`, `openai_error`, `invalid_request_error`.
        param: The error's `param`.
        shape: `nested` `{"error": {…}}`, `flat` `{"code", "message"}`, `blank` (nested, message `""`),
            `html` (a proxy's page), `empty` (no body at all).
        headers: More headers, such as `retry-after` (seconds) or `x-request-id`.
    """
    content_type, body = "application/json", b""
    match shape:
        case "nested" | "blank":
            text = message if shape == "nested" else ""
            body = _json({"error": {"message": text, "type": type, "param": param, "code": code}})
        case "flat":
            body = _json({"code": code, "message": message})
        case "html":
            content_type, body = "text/html; charset=UTF-8", html_page(status, message)
        case "empty":
            content_type = "text/plain"
    return Script(status, {"content-type": content_type, **(headers or {})}, (body,) if body else ())


def json_answer(value: object) -> Script:
    """Return an answer that is one JSON text."""
    return Script(headers={"content-type": "application/json"}, body=(_json(value),))


def html_page(status: int, message: str) -> bytes:
    """Return a proxy's error page, long enough that nobody wants it whole in an error message."""
    style = "body{font-family:sans-serif;margin:4em;color:#404040}\n" * 60
    page = f"<!DOCTYPE html>\n<html>\n<head><title>{status}: {message}</title><style>\n{style}</style></head>\n"
    return f"{page}<body><h1>{message}</h1><p>Error {status}</p></body>\n</html>\n".encode()


def _json(value: object) -> bytes:
    # Half a character can't be UTF-8: it stays an escape.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _paused(chunks: Sequence[bytes], pause: float) -> Iterator[bytes | float]:
    for number, chunk in enumerate(chunks):
        if number and pause > 0:
            yield pause
        yield chunk
