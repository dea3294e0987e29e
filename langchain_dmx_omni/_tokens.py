"""Counting tokens offline, by the service's rules.

Those of media are in `_media.token_rules`. Text has no published rule; 4 Latin letters or 1.5 Chinese characters a
token is what such tokenizers come to.

The counts are for planning: whether a conversation fits, and what to trim. What DMXAPI bills is in other units.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ._media.data import FileData, InlineData
from ._media.measure import Measured, measure
from ._media.token_rules import FRAMES, count_audio, count_frames, count_image, count_video
from ._profiles import LIMITS
from ._request import content
from ._request.content import Place, Rules
from .errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from langchain_core.messages import BaseMessage

_MESSAGE = 4
"""Tokens that frame a message."""

# What is taken for media that can't be looked at, such as a URL: an image of one megapixel, a minute of sound, a
# minute of 640×360 video.
_UNMEASURED_IMAGE = Measured(1024, 1024)
_UNMEASURED_SECONDS = 60.0
_UNMEASURED_VIDEO = Measured(640, 360, _UNMEASURED_SECONDS)


def count_text(text: str) -> int:
    """Return an estimate of the tokens of text."""
    wide = sum(character >= "\u2e80" for character in text) if not text.isascii() else 0
    return math.ceil(wide / 1.5 + (len(text) - wide) / 4)


def count_messages(messages: Iterable[BaseMessage], roots: Sequence[Path | str] = ()) -> int:
    """Return the tokens of messages: their text, media, tool calls, and what frames them.

    Args:
        messages: The messages.
        roots: Folders below which `file://` references are looked at.
    """
    return sum(_MESSAGE + _count_content(message, roots) + _count_calls(message) for message in messages)


def _count_calls(message: BaseMessage) -> int:
    calls = getattr(message, "tool_calls", ())
    return sum(count_text(f"{call['name']}{call['args']}") + _MESSAGE for call in calls)


def _count_content(message: BaseMessage, roots: Sequence[Path | str]) -> int:
    if isinstance(message.content, str):
        return count_text(message.content)
    return sum(_count_block(block, message.type, roots) for block in message.content)


def _count_block(block: str | dict[Any, Any], role: str, roots: Sequence[Path | str]) -> int:
    if isinstance(block, str):
        return count_text(block)
    if isinstance(block.get("text"), str):
        return count_text(block["text"])
    if role == "ai":
        return 0  # its speech, reasoning and calls are not sent back as content
    try:
        (part,) = content.parts([block], Place(1, role), Rules(tuple(roots)))
    except InvalidInputError:
        part = {"type": str(block.get("type"))}
    match part:
        case {"type": "text", "text": text}:
            return count_text(text)
        case {"type": "image_url", **rest}:
            return _image(rest.get("image_url", {}).get("url"), _number(rest.get("max_pixels")))
        case {"type": "input_audio", **rest}:
            return count_audio(_measured(rest.get("input_audio", {}).get("data")).duration or _UNMEASURED_SECONDS)
        case {"type": "video_url", **rest}:
            return _video(rest.get("video_url", {}).get("url"), rest)
        case {"type": "video", "video": [first, *_] as frames, **rest}:
            size = _measured(first)
            if size.width is None or size.height is None:
                size = _UNMEASURED_IMAGE
            return count_frames(len(frames), size.width or 0, size.height or 0, **_pixels(rest))
    return _unmeasured(part["type"])


def _unmeasured(kind: str) -> int:
    """Return the tokens of media that only the service sees, of an ordinary size."""
    if "image" in kind:
        return _image(None)
    if "audio" in kind:
        return count_audio(_UNMEASURED_SECONDS)
    return _video(None, {})


def _image(data: Any, max_pixels: float | None = None) -> int:
    size = _measured(data)
    if size.width is None or size.height is None:
        size = _UNMEASURED_IMAGE
    return count_image(size.width or 0, size.height or 0, max_pixels)


def _video(data: Any, parameters: dict[str, Any]) -> int:
    """Return the tokens of a video: of its pictures and of its sound, which is as long."""
    measured = _measured(data)
    seconds = _UNMEASURED_SECONDS if measured.duration is None else measured.duration
    width, height = measured.width or _UNMEASURED_VIDEO.width or 0, measured.height or _UNMEASURED_VIDEO.height or 0
    fps = _number(parameters.get("fps")) or FRAMES
    pictures = count_video(seconds, width, height, fps, **_pixels(parameters))
    return pictures + (0 if measured.sound is False else count_audio(seconds))


def _pixels(parameters: dict[str, Any]) -> dict[str, float | None]:
    return {name: _number(parameters.get(name)) for name in ("min_pixels", "max_pixels", "total_pixels")}


def _number(value: Any) -> float | None:
    """Return a parameter as a number above 0; None for anything else, which is the service's to refuse."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number < math.inf else None


# Looking at media costs its decoding, and a conversation is counted again at every step.
_measurements: OrderedDict[tuple[int, int], Measured] = OrderedDict()
_MOST_MEASUREMENTS = 256
_lock = threading.Lock()


def _measured(data: Any) -> Measured:
    if not isinstance(data, InlineData | FileData):
        return Measured()
    key = data.fingerprint
    measured = _measurements.get(key)
    if measured is None:
        try:
            measured = measure(data.head(LIMITS.data_url))
        except OSError:  # the file is gone
            return Measured()
        with _lock:
            _measurements[key] = measured
            if len(_measurements) > _MOST_MEASUREMENTS:
                _measurements.popitem(last=False)
    return measured
