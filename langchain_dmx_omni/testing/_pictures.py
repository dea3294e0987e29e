"""Thumbnails → the names of their main colours, and the moments where the picture changes at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

_COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "black": (0, 0, 0),
    "dark grey": (64, 64, 64),
    "grey": (128, 128, 128),
    "light grey": (192, 192, 192),
    "white": (255, 255, 255),
    "dark red": (128, 0, 0),
    "red": (255, 0, 0),
    "pink": (255, 150, 180),
    "orange": (255, 140, 0),
    "brown": (110, 70, 35),
    "beige": (225, 200, 165),
    "yellow": (255, 235, 0),
    "olive": (110, 115, 40),
    "green": (0, 190, 0),
    "dark green": (0, 85, 20),
    "light green": (150, 235, 140),
    "turquoise": (0, 190, 180),
    "light blue": (140, 195, 240),
    "blue": (0, 0, 255),
    "dark blue": (0, 0, 100),
    "purple": (130, 0, 160),
}

_MIN_SHARE: Final = 0.12  # of all pixels, for a colour to be named
_MOST: Final = 3
_CUT: Final = 20.0  # mean change of a colour value, 0 to 255: what no pan or gesture reaches within a frame
_CUT_OVER_USUAL: Final = 5.0  # and how far it must stand out from the clip's usual change
_CUT_OVER_NEARBY: Final = 2.0  # a cut is over at once; what passes close by the camera changes several frames in a row
_NEARBY: Final = 0.5  # seconds


class Picture(NamedTuple):
    """A thumbnail: its moment (seconds) and its pixels (RGB, 3 bytes each)."""

    second: float
    pixels: bytes


def main_colours(pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Return the names of the colours that most pixels are near to, most frequent first; one to three."""
    counts: Counter[str] = Counter()
    for picture in pictures:
        values = iter(picture.pixels)
        counts.update(
            _name(red >> 3, green >> 3, blue >> 3) for red, green, blue in zip(values, values, values, strict=True)
        )
    total = counts.total()
    common = [name for name, count in counts.most_common(_MOST) if count >= _MIN_SHARE * total]
    return tuple(common or [name for name, _ in counts.most_common(1)])


def cuts(pictures: Sequence[Picture]) -> tuple[float, ...]:
    """Return the moments (seconds) of the first pictures of new shots."""
    changes = [_change(before.pixels, after.pixels) for before, after in pairwise(pictures)]
    if not changes:
        return ()
    needed = max(_CUT, _CUT_OVER_USUAL * median(changes))
    return tuple(
        pictures[index + 1].second
        for index, change in enumerate(changes)
        if change > max(needed, _CUT_OVER_NEARBY * _nearby(index, pictures, changes))
    )


def _nearby(index: int, pictures: Sequence[Picture], changes: Sequence[float]) -> float:
    """The larger of the changes right before and after; 0 where the next thumbnail is too far off to tell."""
    near = [
        changes[other]
        for other in (index - 1, index + 1)
        if 0 <= other < len(changes) and pictures[other + 1].second - pictures[other].second < _NEARBY
    ]
    return max(near, default=0.0)


def _change(before: bytes, after: bytes) -> float:
    """Mean absolute difference of two thumbnails' values, 0 to 255."""
    return sum(abs(a - b) for a, b in zip(before, after, strict=True)) / max(len(before), 1)


@lru_cache(maxsize=1 << 15)
def _name(red: int, green: int, blue: int) -> str:
    """The nearest colour's name. Values are 5 bits each, so that the cache holds them all."""
    red, green, blue = red * 255 // 31, green * 255 // 31, blue * 255 // 31

    def distance(name: str) -> float:
        r, g, b = _COLOURS[name]
        # "Redmean": weights that follow the eye a little better than plain RGB, at no cost.
        mean = (red + r) / 2
        return (2 + mean / 256) * (red - r) ** 2 + 4 * (green - g) ** 2 + (2 + (255 - mean) / 256) * (blue - b) ** 2

    return min(_COLOURS, key=distance)
