"""A byte budget and a length → the frame size, frame rate and bit rates that make the most of it. Pure."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni.errors import MediaTooLargeError

if TYPE_CHECKING:
    from .probe import MediaInfo

INLINE_BYTES = LIMITS.data_url * 3 // 4 - 128 * 1024
"""Largest file whose data URL is under the service's inline limit, with some room left."""

_ROOM = 0.97
"""Share of the budget that is planned with; encoders meet a bit rate only on average."""
_AAC_FRAME, _PER_SOUND_FRAME, _PER_PICTURE, _INDEX = 1024, 12, 20, 4096
"""Samples of an AAC frame; bytes that MP4 adds for each, for each picture, and for itself."""

_LEAST_VIDEO, _LEAST_SOUND, _LEAST_SOUND_ALONE = 48_000, 24_000, 12_000
"""Bits a second below which nothing can be recognised, or understood."""
_MOST_SOUND = 64_000

MODEL_FPS = Fraction(2)
"""Frames a second that the model looks at unless it is told otherwise."""
_LEAST_FPS = Fraction(1)
"""Frames a second of a source whose average is less: slides, which may follow one another fast at times."""
_FRAME_RATES = (Fraction(10), Fraction(5), Fraction(4))
"""Tried, highest first, where the budget leaves room; the model looks at 10 frames a second at the most."""

_LEAST_SIDE = 16
"""Pixels; encoders take no less, and the service refuses pictures of 10."""
_BITS_PER_PIXEL = 0.12
"""Bits for each pixel and the square root of the frame rate; half the rate needs more than half the bits."""
_USUAL_SOURCE = 0.3
"""The same measure of an ordinary recording: a screen full of text has a tenth of it."""


class Plan(NamedTuple):
    """How a file is encoded. Rates in bits a second; `width` and the like are None without pictures."""

    max_bytes: int
    width: int | None
    height: int | None
    fps: Fraction
    video_rate: int
    audio_rate: int
    """0 without sound."""
    sample_rate: int


def plan(info: MediaInfo, seconds: float, max_bytes: int, fps: float | None = None) -> Plan:
    """Return how to encode some seconds of a file into a number of bytes.

    Raises:
        MediaTooLargeError: The budget can't hold the length.
    """
    rate = Fraction(fps).limit_denominator(1001) if fps is not None else MODEL_FPS
    if info.fps and info.has_video:
        rate = min(rate, max(Fraction(info.fps).limit_denominator(1001), _LEAST_FPS))
    seconds = max(seconds, 0.1)
    least = _LEAST_SOUND if info.has_video else _LEAST_SOUND_ALONE
    bits = _bits(max_bytes, seconds, rate if info.has_video else Fraction(0), info.has_audio)
    if bits < (_LEAST_VIDEO if info.has_video else 0) + (least if info.has_audio else 0):
        raise _too_long(info, seconds, max_bytes)
    audio = 0
    if info.has_audio:
        audio = int(max(least, min(_MOST_SOUND, bits * 0.2 if info.has_video else bits * 0.95)))
    sample_rate = 16_000 if audio < 40_000 else 24_000
    if not info.has_video:
        return Plan(max_bytes, None, None, rate, 0, audio, sample_rate)
    video = int(bits - audio)
    need = _need(info)
    assert info.width is not None
    assert info.height is not None
    pixels = min(info.width * info.height, video / (need * math.sqrt(rate)))
    if fps is None and info.fps:
        affordable = (each for each in _FRAME_RATES if each <= info.fps and pixels * need * math.sqrt(each) <= video)
        rate = next(affordable, rate)
    width, height = _scaled(info.width, info.height, pixels)
    return Plan(max_bytes, width, height, rate, video, audio, sample_rate)


def longest(info: MediaInfo, max_bytes: int = INLINE_BYTES) -> float:
    """Return the most seconds of a file that a budget holds."""
    least = (_LEAST_VIDEO if info.has_video else 0) + (
        0 if not info.has_audio else _LEAST_SOUND if info.has_video else _LEAST_SOUND_ALONE
    )
    per_second = least / 8 + _overhead(MODEL_FPS if info.has_video else Fraction(0), info.has_audio)
    return max(0.0, max_bytes * _ROOM - _INDEX) / per_second


def smaller(plan: Plan, size: int) -> Plan:
    """Return the plan for a second try, after one came out at `size` bytes."""
    share = plan.max_bytes / size * 0.9
    width, height = plan.width, plan.height
    if width and height:
        width, height = _scaled(width, height, width * height * share)
    return plan._replace(
        width=width,
        height=height,
        video_rate=int(plan.video_rate * share),
        audio_rate=int(max(8_000, plan.audio_rate * share)) if plan.audio_rate else 0,
        sample_rate=16_000,
    )


def _overhead(fps: Fraction, sound: bool) -> float:
    """Return bytes a second that the container itself takes."""
    return float(fps) * _PER_PICTURE + (24_000 / _AAC_FRAME * _PER_SOUND_FRAME if sound else 0)


def _bits(max_bytes: int, seconds: float, fps: Fraction, sound: bool) -> float:
    return (max_bytes * _ROOM - _INDEX - seconds * _overhead(fps, sound)) * 8 / seconds


def _need(info: MediaInfo) -> float:
    """Return bits for each pixel and root of the frame rate: less for a picture that the source needed little for."""
    assert info.width is not None
    assert info.height is not None
    declared = next((stream.bit_rate for stream in info.streams if stream.kind == "video" and stream.bit_rate), None)
    bit_rate = declared or info.size_bytes * 8 / max(info.duration, 0.1)
    source = bit_rate / (info.width * info.height * math.sqrt(info.fps or 25.0))
    return _BITS_PER_PIXEL * min(1.3, max(0.4, math.sqrt(source / _USUAL_SOURCE)))


def _scaled(width: int, height: int, pixels: float) -> tuple[int, int]:
    """Return an even size of about so many pixels, of the same shape, and no side under the least."""
    scale = max(min(1.0, math.sqrt(pixels / (width * height))), _LEAST_SIDE / min(width, height))
    return max(_LEAST_SIDE, round(width * scale / 2) * 2), max(_LEAST_SIDE, round(height * scale / 2) * 2)


def _too_long(info: MediaInfo, seconds: float, max_bytes: int) -> MediaTooLargeError:
    most = longest(info, max_bytes)
    error = MediaTooLargeError(
        f"{info.path.name}: {_spell(seconds)} of {info.kind} don't fit into {max_bytes:,} bytes, "
        f"which hold about {_spell(most)} of it; cut it into segments with video.split(path), "
        f"or give a public https:// URL (up to {LIMITS.remote_file // 1_000_000_000} GB)"
    )
    error.size, error.limit = info.size_bytes, max_bytes
    return error


def _spell(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
