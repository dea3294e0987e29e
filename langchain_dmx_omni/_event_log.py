"""The event log: each call's raw events as JSON lines, for looking at what a service really sends.

One file a call, its retries included. Media is replaced by its length, and the key by `[key]`.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .errors import DMXOmniWarning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ._sse import ServerSentEvent

_MEDIA_KEYS = frozenset({"data", "base64", "b64_json"})
_AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
_BASE64 = re.compile(r"(?<=;base64,)[A-Za-z0-9+/_-]+={0,2}|[A-Za-z0-9+/_-]{256,}={0,2}")
"""Media in any place: after a data URL's head, or so long that it is nothing else."""

_LEVELS = 200
"""How deeply JSON may be nested; what is deeper is logged as text."""


class EventLog:
    """The log of one call.

    Args:
        folder: Where the file goes; made if it is not there.
        key: The API key, which must not appear.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        # The random part keeps calls of the same moment apart, in other processes too.
        self.path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.jsonl"
        self._key = json.dumps(key)[1:-1]  # as it stands in a JSON text
        self._start = time.monotonic()
        self._off = False

    def write(self, events: Sequence[ServerSentEvent]) -> None:
        """Append events: `{"at": seconds, "event": name, "data": JSON or text}` each."""
        if events:
            self._append({"event": one.name, "data": _read(one.data)} for one in events)

    def fail(self, error: Exception) -> None:
        """Append how a try ended: `{"at": seconds, "error": class and message}`."""
        self._append([{"error": _without_media(f"{type(error).__name__}: {error}")}])

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        if self._off:
            return
        at = round(time.monotonic() - self._start, 3)
        text = "".join(f"{json.dumps({'at': at, **line}, ensure_ascii=False)}\n" for line in lines)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text.replace(self._key, "[key]"))
        except OSError as error:  # no reason to lose the answer
            self._off = True
            warnings.warn(f"event_log={str(self._folder)!r} can't be written: {error}", DMXOmniWarning, stacklevel=2)


def _read(data: bytes) -> Any:
    try:
        return _without_media(json.loads(data))
    except (ValueError, RecursionError):  # no JSON, or JSON too deeply nested to be written again
        return _without_media(data.decode("utf-8", "replace"))


def _without_media(value: Any, levels: int = _LEVELS) -> Any:
    """Return a value without its media.

    Raises:
        RecursionError: It is nested deeper than what can be written again.
    """
    if not levels:
        raise RecursionError
    match value:
        case str():
            return _BASE64.sub(_length, value)
        case dict():
            keys = _MEDIA_KEYS | {"delta"} if str(value.get("type")) in _AUDIO_DELTAS else _MEDIA_KEYS
            return {
                key: _shortened(inner) if key in keys and isinstance(inner, str) else _without_media(inner, levels - 1)
                for key, inner in value.items()
            }
        case list():
            return [_without_media(inner, levels - 1) for inner in value]
    return value


def _length(media: re.Match[str]) -> str:
    return _shortened(media[0])


def _shortened(text: str) -> str:
    return f"<{len(text):,} characters>"
