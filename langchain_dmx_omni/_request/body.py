"""The request body: a JSON text with media in it, sent in small pieces with a known length.

Media is never copied into one big JSON text: the body is a list of JSON snippets with the media between them.
"""

from __future__ import annotations

import json
import math
import secrets
from typing import TYPE_CHECKING, Any

from langchain_dmx_omni._media.data import FileData, InlineData, MediaData
from langchain_dmx_omni.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Body:
    """A JSON body with media in it.

    Args:
        payload: The JSON value; media stands in it as `InlineData` and `FileData`.

    Raises:
        InvalidInputError: Something in it can't be written as JSON.
    """

    def __init__(self, payload: dict[str, Any]) -> None:
        media: list[MediaData] = []
        mark = secrets.token_hex(16)  # no text can hold what nobody can guess

        def place(value: object) -> str:
            if not isinstance(value, MediaData):
                raise TypeError
            media.append(value)
            return mark

        try:
            text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=place)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"the request can't be written as JSON: {_reason(payload) or error}") from None
        # A lone surrogate has no UTF-8 form; Python's escape for it happens to be JSON's.
        snippets = [snippet.encode("utf-8", "backslashreplace") for snippet in text.split(mark)]
        self._parts: list[bytes | MediaData] = [snippets[0]]
        for one, snippet in zip(media, snippets[1:], strict=True):
            self._parts += [one, snippet]

    def __len__(self) -> int:
        """Bytes of the whole body: its `Content-Length`."""
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                async for piece in part.apieces():
                    yield piece


def _reason(payload: object) -> str | None:
    try:
        return _culprit(payload)
    except RecursionError:
        return "it is nested too deeply, or holds itself"


def _culprit(value: object, path: str = "") -> str | None:
    """Return what in a value JSON can't hold, by its path; its content may be secret, or long."""
    where = path[:200] or "it"
    match value:
        case dict():
            for key, inner in value.items():
                if not isinstance(key, str | int | float | None):
                    return f"{where} has a key that is a {type(key).__name__}"
                if culprit := _culprit(inner, f"{path}.{key}" if path else str(key)):
                    return culprit
        case list() | tuple():
            return next(filter(None, (_culprit(inner, f"{path}[{at}]") for at, inner in enumerate(value))), None)
        case float() if not math.isfinite(value):
            return f"{where} is {value}"
        case None | str() | int() | float() | InlineData() | FileData():
            return None
        case _:
            return f"{where} is a {type(value).__name__}"
    return None
