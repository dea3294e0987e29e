"""How a player turns the stored pictures: a display matrix → one of the eight ways a picture can lie."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

_BYTES = 9 * 4


def orientation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Return degrees clockwise (0, 90, 180 or 270), and whether left and right are swapped before.

    A matrix that says nothing, all zeros or worse, turns nothing.
    """
    side_data: Any = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None or len(data := bytes(side_data)) < _BYTES:
        return 0, False
    # Where the unit vectors to the right and downward go.
    a, b, _, c, d, *_ = struct.unpack_from("=9i", data)
    if a * d == b * c:
        return 0, False
    mirrored = a * d < b * c
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b - c, a + d)) / 90) * 90 % 360, mirrored
