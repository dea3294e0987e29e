"""The strip along a picture's lower edge: black and white cells that say which film it is of, and from when.

No model is at hand that understands pictures. So that an answer still depends on the pixels that were sent, each one
carries what the stand-in needs to know of it, in a way that survives scaling and compression.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 20
SHARE = 1 / 15
"""Of the picture's height."""
TENTHS = 10
"""A second in the strip's units of time."""

_FILM_BITS, _TIME_BITS, _CHECK_BITS = 6, 10, 4
_BLACK, _WHITE = 16, 235
_CLEAR = 48
"""How far from grey a cell must be to be read."""


def draw(picture: NDArray[np.uint8], film: int, time: float) -> None:
    """Draw the strip into a picture.

    Args:
        picture: Height x width x 3.
        film: Number of the film, 1 to 63.
        time: Seconds since its beginning, to the tenth, below 102.4.
    """
    height, width, _ = picture.shape
    code = _coded(film, round(time * TENTHS))
    for cell in range(CELLS):
        left, right = width * cell // CELLS, width * (cell + 1) // CELLS
        picture[-round(height * SHARE) :, left:right] = _WHITE if code >> cell & 1 else _BLACK


def read(grey: NDArray[np.uint8]) -> tuple[int, float] | None:
    """Read the strip of a picture.

    Args:
        grey: Brightness, height x width, of any size.

    Returns:
        The film's number and seconds since its beginning; None for a picture without a strip.
    """
    height, width = grey.shape
    strip = grey[height - max(2, round(height * SHARE * 0.75)) : height - max(1, round(height * SHARE * 0.2))]
    inset = width / CELLS / 4
    means = [
        strip[:, round(cell * 4 * inset + inset) : round(cell * 4 * inset + 3 * inset)].mean() for cell in range(CELLS)
    ]
    cells: NDArray[np.float64] = np.array(means)
    if not (abs(cells - 128) > _CLEAR).all():
        return None
    code = sum(1 << bit for bit in range(CELLS) if cells[bit] > 128)
    film, tenths = code & (1 << _FILM_BITS) - 1, code >> _FILM_BITS & (1 << _TIME_BITS) - 1
    return (film, tenths / TENTHS) if film and code == _coded(film, tenths) else None


def _coded(film: int, tenths: int) -> int:
    value = film | tenths << _FILM_BITS
    check = zlib.crc32(value.to_bytes(4, "little")) & (1 << _CHECK_BITS) - 1
    return value | check << _FILM_BITS + _TIME_BITS
