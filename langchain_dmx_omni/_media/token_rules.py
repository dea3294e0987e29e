"""The service's rules for tokens of media. Pure.

Source: Alibaba Model Studio on the model: audio 7 tokens a second; an image one for each 32×32 pixels, from 24 to
1,280, and 2; a video one for each 32×32 pixels of every second of the frames that are looked at, 2 a second, and
2. At most 2,048 frames are looked at, each scaled to 64 to 640 × 1,024 pixels, all together to 180,224 × 1,024.
"""

from __future__ import annotations

import math
from typing import Final

FRAMES: Final = 2.0
"""Frames of a second that the model looks at, unless `fps` says otherwise."""
_FRAME_RATES = (0.1, 10.0)
_MOST_FRAMES = 2_048

_SIDE = 32
_TILE = _SIDE * _SIDE
_IMAGE_TILES = (24, 1_280)
_FRAME_TILES = (64, 640)
_VIDEO_TILES = 180_224
"""Tiles of all frames together."""

_MOST_SECONDS = 3 * 3_600.0
"""The longest sound that the service takes; a header that says more is damaged."""


def count_image(width: int, height: int, max_pixels: float | None = None) -> int:
    """Return the tokens of an image of a size in pixels."""
    least, most = _IMAGE_TILES
    if max_pixels is not None:
        most = max(least, min(most, int(max_pixels / _TILE)))
    return min(most, max(least, _tiles(width) * _tiles(height))) + 2


def count_audio(seconds: float) -> int:
    """Return the tokens of audio."""
    return math.ceil(7 * _bounded(seconds, 0.0, _MOST_SECONDS, 0.0))


def count_video(
    seconds: float,
    width: int,
    height: int,
    fps: float = FRAMES,
    *,
    min_pixels: float | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
) -> int:
    """Return the tokens of a video's pictures; the parameters are those that go beside a video."""
    seconds = _bounded(seconds, 0.0, _MOST_SECONDS, 0.0)
    frames = math.ceil(round(seconds * _bounded(fps, *_FRAME_RATES, FRAMES), 3))  # sums of times are not exact
    return count_frames(frames, width, height, min_pixels=min_pixels, max_pixels=max_pixels, total_pixels=total_pixels)


def count_frames(
    frames: int,
    width: int,
    height: int,
    *,
    min_pixels: float | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
) -> int:
    """Return the tokens of so many pictures of a video."""
    frames = min(_MOST_FRAMES, max(1, frames))
    least, most = map(float, _FRAME_TILES)
    total = _VIDEO_TILES if total_pixels is None else min(_VIDEO_TILES, total_pixels / _TILE)
    most = min(most, total / frames) if max_pixels is None else min(most, total / frames, max_pixels / _TILE)
    least = least if min_pixels is None else max(least, min_pixels / _TILE)
    return math.ceil(frames / 2) * _frame_tiles(width, height, min(least, most), most) + 2


def _bounded(value: float, least: float, most: float, otherwise: float) -> float:
    """Return a number within bounds; `otherwise` for what is none."""
    return otherwise if math.isnan(value) else min(most, max(least, value))


def _tiles(pixels: float) -> int:
    return max(1, round(pixels / _SIDE))


def _frame_tiles(width: float, height: float, least: float, most: float) -> int:
    """Return the tiles of a frame that is scaled, in its shape, to a number of tiles between two."""
    tiles = _tiles(width) * _tiles(height)
    if tiles <= most and tiles >= least:
        return tiles
    return max(1, round(most) if tiles > most else math.ceil(least))
