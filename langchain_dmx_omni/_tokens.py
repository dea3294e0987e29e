"""Counting tokens offline, by the service's rules.

Source: Alibaba Model Studio on the model: audio 7 tokens a second; an image one for each 32×32 pixels, from 24 to
1,280, and 2; a video one for each 32×32 pixels of every second of the frames that are looked at, 2 a second, and
2. Text has no published rule; 4 Latin letters or 1.5 Chinese characters a token is what such tokenizers come to.

The counts are for planning: whether a conversation fits, and what to trim. What DMXAPI bills is in other units.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ._media.data import FileData, InlineData
from ._media.measure import Measured, measure
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

_FRAMES = 2.0
"""Frames of a second that the model looks at, unless `fps` says otherwise."""

# What is taken for media that can't be looked at, such as a URL: an image of one megapixel, a minute of sound, a
# minute of 640×360 video.
_UNMEASURED_IMAGE = Measured(1024, 1024)
_UNMEASURED_SECONDS = 60.0
_UNMEASURED_VIDEO = Measured(640, 360, _UNMEASURED_SECONDS)


def count_text(text: str) -> int:
    """Return an estimate of the tokens of text."""
    wide = sum(character >= "\u2e80" for character in text) if not text.isascii() else 0
    return math.ceil(wide / 1.5 + (len(text) - wide) / 4)


def count_image(width: int, height: int) -> int:
    """Return the tokens of an image of a size in pixels."""
    return min(1280, max(24, _tiles(width) * _tiles(height))) + 2


def count_audio(seconds: float) -> int:
    """Return the tokens of audio."""
    return math.ceil(7 * seconds)


def count_video(seconds: float, width: int, height: int, fps: float = _FRAMES) -> int:
    """Return the tokens of a video's pictures."""
    frames = max(1, math.ceil(seconds * fps))
    return math.ceil(frames / 2) * _tiles(height) * _tiles(width) + 2


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
            return _image(rest.get("image_url", {}).get("url"))
        case {"type": "input_audio", **rest}:
            return count_audio(_measured(rest.get("input_audio", {}).get("data")).duration or _UNMEASURED_SECONDS)
        case {"type": "video_url", **rest}:
            return _video(rest.get("video_url", {}).get("url"), float(rest.get("fps") or _FRAMES))
        case {"type": "video", "video": frames}:
            return sum(_image(frame) for frame in frames)
    return _unmeasured(part["type"])


def _unmeasured(kind: str) -> int:
    """Return the tokens of media that only the service sees, of an ordinary size."""
    if "image" in kind:
        return _image(None)
    if "audio" in kind:
        return count_audio(_UNMEASURED_SECONDS)
    return _video(None, _FRAMES)


def _image(data: Any) -> int:
    size = _measured(data)
    if size.width is None or size.height is None:
        size = _UNMEASURED_IMAGE
    return count_image(size.width or 0, size.height or 0)


def _video(data: Any, fps: float) -> int:
    """Return the tokens of a video: of its pictures and of its sound, which is as long."""
    measured = _measured(data)
    seconds = _UNMEASURED_SECONDS if measured.duration is None else measured.duration
    width, height = measured.width or _UNMEASURED_VIDEO.width or 0, measured.height or _UNMEASURED_VIDEO.height or 0
    return count_video(seconds, width, height, fps) + count_audio(seconds)


def _tiles(pixels: int) -> int:
    return max(1, round(pixels / 32))


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
        measured = measure(data.head(LIMITS.data_url))
        with _lock:
            _measurements[key] = measured
            if len(_measurements) > _MOST_MEASUREMENTS:
                _measurements.popitem(last=False)
    return measured
