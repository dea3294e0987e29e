"""The event log: each call's raw events as JSON lines, for looking at what a service really sends.

One file a call, its retries included, that nobody but its owner may read. Media is replaced by its length, and
secrets by what they are, such as `[key]`.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._secrets import Secrets, size
from ._warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._sse import ServerSentEvent

_MEDIA_KEYS = frozenset({"data", "base64", "b64_json"})
_AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})

_LEVELS = 200
"""How deeply JSON may be nested; what is deeper is logged as text."""


class EventLog:
    """The log of one call.

    Args:
        folder: Where the file goes; made if it is not there.
        kept: What must not appear.
    """

    def __init__(self, folder: Path | str, kept: Secrets) -> None:
        self._folder = Path(folder)
        # The random part keeps calls of the same moment apart, in other processes too.
        self.path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.jsonl"
        self._secrets = kept
        self._start = time.monotonic()
        self._off = False

    def write(self, events: Sequence[ServerSentEvent]) -> None:
        """Append events: `{"at": seconds, "event": name, "data": JSON or text}` each."""
        if events:
            self._append(
                {"event": self._secrets.redact(event.name), "data": self._read(event.data)} for event in events
            )

    def fail(self, error: Exception) -> None:
        """Append how a try ended: `{"at": seconds, "error": class and message}`."""
        self._append([{"error": self._secrets.redact(f"{type(error).__name__}: {error}")}])

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        if self._off:
            return
        at = round(time.monotonic() - self._start, 3)
        text = "".join(f"{json.dumps({'at': at, **line}, ensure_ascii=False)}\n" for line in lines)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as file:
                file.write(text)
        except OSError as error:  # no reason to lose the answer
            self._off = True
            warn_user(f"event_log={str(self._folder)!r} can't be written: {error}")

    def _read(self, data: bytes) -> Any:
        try:
            return self._without_secrets(json.loads(data))
        except (ValueError, RecursionError):
            return self._secrets.redact(data.decode("utf-8", "replace"))

    def _without_secrets(self, value: Any, levels: int = _LEVELS) -> Any:
        """Return a value without secrets and media.

        Raises:
            RecursionError: It is nested deeper than what can be written again.
        """
        if not levels:
            raise RecursionError
        match value:
            case str():
                return self._secrets.redact(value)
            case dict():
                media = _MEDIA_KEYS | {"delta"} if str(value.get("type")) in _AUDIO_DELTAS else _MEDIA_KEYS
                return {
                    self._secrets.redact(key): size(inner)
                    if key in media and isinstance(inner, str)
                    else self._without_secrets(inner, levels - 1)
                    for key, inner in value.items()
                }
            case list():
                return [self._without_secrets(inner, levels - 1) for inner in value]
        return value


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
