"""Timestamps → time that goes on: clocks that start anew inside a file, and packets that say no time at all.

Recordings that were joined byte for byte, chained Ogg and broadcasts count from somewhere else in their middle; players
read through, and so is done here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from ._open import start_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

_BACK: Final = 0.5
"""Seconds that a stream's clock goes back where it has started anew; less is jitter."""
_LEAP: Final = 10.0
"""Seconds that a broadcast's clock is ahead of all streams where it has started anew; less is a gap."""
_GAP: Final = 0.1
"""Seconds that a timestamp is ahead of the count of samples where sound is missing; less is rounding."""

_BROADCAST = {"mpegts", "mpeg", "ogg", "live_flv"}
_COUNTED = {"flac", "wav", "w64", "aiff", "au", "ape", "wv", "tta", "dsf"}
_BARE = {*("mp3", "aac", "ac3", "eac3", "amr", "amrnb", "amrwb"), *("mpegvideo", "m4v", "h264", "hevc", "obu")}


def is_raw(container: InputContainer) -> bool:
    """Whether a format has no timestamps of its own: its stream is one piece, whatever FFmpeg works out."""
    return container.format.name in _COUNTED | _BARE


def has_header(container: InputContainer) -> bool:
    """Whether a format says in a header how long the file is; of the others FFmpeg guesses it."""
    return container.format.name not in _BARE | _BROADCAST


def has_index(container: InputContainer) -> bool:
    """Whether a format has a header that is usually right; recorders of FLV rarely go back to mend theirs."""
    return has_header(container) and container.format.name != "flv"


class Ticks:
    """Turns timestamps of a stream into seconds from the file's start; fractions would take most of the time."""

    def __init__(self, container: InputContainer, stream: Any) -> None:
        self._start = start_of(container)
        self._numerator: int = stream.time_base.numerator
        self._denominator: int = stream.time_base.denominator

    def seconds(self, stamp: int) -> float:
        """Return the time of a timestamp."""
        return stamp * self._numerator / self._denominator - self._start


class Clock:
    """Moves the timestamps of packets, so that time goes on where the file's clock starts anew.

    It is to see every packet of the streams that are read, in the file's order.

    Attributes:
        restarts: How often the clock has started anew.
    """

    def __init__(self, container: InputContainer) -> None:
        self._broadcast = container.format.name in _BROADCAST
        self._shifts = [0.0]
        """Seconds that are added between one restart and the next. Streams pass a restart one after another."""
        self._ticks: dict[int, float] = {}
        self._passed: dict[int, int] = {}
        self._firsts: dict[int, float] = {}
        self._ends: dict[int, float] = {}
        self._shown = -math.inf
        """Where the last of all streams ends."""

    @property
    def restarts(self) -> int:
        return len(self._shifts) - 1

    def set(self, packet: Packet[Any]) -> None:
        """Move the timestamps of a packet."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        stream = packet.stream_index
        tick = self._ticks.get(stream)
        if tick is None:
            tick = self._ticks[stream] = float(packet.time_base or 0)
        if stamp is None or not tick:
            return
        time, shown = stamp * tick, (stamp if packet.pts is None else packet.pts) * tick
        passed = self._passed.get(stream, self.restarts)
        # Decoding times rise; those of showing don't, where a picture refers to a later one.
        rises = packet.dts is not None or packet.stream.type == "audio"
        while rises and self._starts_anew(stream, time + self._shifts[passed]):
            passed += 1
            if passed == len(self._shifts):
                # Parts begin alike: what was behind the other streams at first is so again.
                behind = self._firsts[stream] - min(self._firsts.values())
                self._shifts.append(self._shown + min(behind, _BACK) - shown)
                break
        shift = self._shifts[passed]
        self._passed[stream] = passed
        length = max(packet.duration or 0, 0) * tick
        self._firsts.setdefault(stream, shown + shift)
        self._ends[stream] = time + shift + length
        self._shown = max(self._shown, shown + shift + length)
        if shift:
            moved = round(shift / tick)
            packet.pts = None if packet.pts is None else packet.pts + moved
            packet.dts = None if packet.dts is None else packet.dts + moved

    def _starts_anew(self, stream: int, time: float) -> bool:
        end = self._ends.get(stream)
        if end is None:
            return False
        return time < end - _BACK or (self._broadcast and time > max(self._ends.values()) + _LEAP)


class Succession:
    """Where pieces of sound stand that follow one another: by their length, and by timestamps where one is missing.

    Args:
        raw: Whether timestamps say nothing at all.
    """

    def __init__(self, raw: bool) -> None:
        self._raw = raw
        self.end: float | None = None
        """Where the last piece ends, in seconds."""

    def place(self, time: float | None, seconds: float) -> float:
        """Return where a piece begins.

        Args:
            time: Its timestamp, or None for one that says nothing or can't be right.
            seconds: Its length.
        """
        start = self.end
        if start is None:
            start = time or 0.0
        elif time is not None and not self._raw and time > start + _GAP:
            start = time
        self.end = start + seconds
        return start
