"""Token counts, by Alibaba Model Studio's rules for the model. Pure.

Audio in: 7 a second; audio out: 12.5 a second; an image: 1 per 32×32 pixels, 24 to 1280, and 2 around it; a video:
`ceil(frames / 2) · (height / 32) · (width / 32) + 2` at 2 frames a second, and its sound. Text is near 1 token per 4
letters, or per Chinese, Japanese or Korean character.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ._incoming import Media
from ._media_facts import Facts, Vision

AUDIO_IN_PER_SECOND: Final = 7
AUDIO_OUT_PER_SECOND: Final = 12.5
VIDEO_FRAMES_PER_SECOND: Final = 2
IMAGE_TOKENS: Final = (24, 1280)
_PATCH: Final = 32  # pixels a side
_AROUND: Final = 2  # tokens that mark begin and end of a picture or video

_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True)
class Tokens:
    """Tokens of one side of a turn, by kind; `plain` are those of text and pictures."""

    plain: int = 0
    audio: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.plain + other.plain, self.audio + other.audio, self.reasoning + other.reasoning)

    @property
    def total(self) -> int:
        """All of them."""
        return self.plain + self.audio + self.reasoning


def count_text(text: str) -> int:
    """Return the tokens of a text."""
    cjk = len(_CJK.findall(text))
    return cjk + math.ceil((len(text) - cjk) / 4)


def count_speech(seconds: float) -> int:
    """Return the tokens of a spoken answer."""
    return math.ceil(seconds * AUDIO_OUT_PER_SECOND)


def count_media(media: Media, facts: Sequence[Facts | None]) -> Tokens:
    """Return the tokens of one media part; 0 for what was not measured."""
    if media.kind == "frames":
        first = next((one.vision for one in facts if one and one.vision), None)
        return Tokens(_video(len(facts), first) if first else 0)
    return sum(map(_file, filter(None, facts)), start=Tokens())


def usage(request: Tokens, answer: Tokens) -> dict[str, Any]:
    """Return the `usage` object of a response; it tells of audio where there was some."""
    return {
        "input_tokens": request.total,
        "input_tokens_details": {"cached_tokens": 0} | _audio_tokens(request),
        "output_tokens": answer.total,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning} | _audio_tokens(answer),
        "total_tokens": request.total + answer.total,
    }


def _audio_tokens(tokens: Tokens) -> dict[str, int]:
    return {"audio_tokens": tokens.audio} if tokens.audio else {}


def _file(facts: Facts) -> Tokens:
    seconds = facts.seconds or 0.0
    audio = math.ceil(seconds * AUDIO_IN_PER_SECOND) if facts.sound else 0
    if facts.vision and facts.format and facts.format.still:
        return Tokens(_image(facts.vision), audio)
    frames = math.ceil(seconds * VIDEO_FRAMES_PER_SECOND)
    return Tokens(_video(frames, facts.vision) if facts.vision else 0, audio)


def _image(vision: Vision) -> int:
    least, most = IMAGE_TOKENS
    patches = math.ceil(vision.width / _PATCH) * math.ceil(vision.height / _PATCH)
    return min(max(patches, least), most) + _AROUND


def _video(frames: int, vision: Vision) -> int:
    return math.ceil(math.ceil(frames / 2) * (vision.height / _PATCH) * (vision.width / _PATCH)) + _AROUND
