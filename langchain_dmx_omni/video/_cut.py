"""Spans of a source → files, in one pass: decoded once, each piece handed to every file that it belongs to."""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import MediaTooLargeError

from ._ahead import read_ahead
from ._checks import named
from ._plan import Plan, smaller
from ._reader import Picture, Reader
from ._sound import Sound
from ._writer import MOMENT, Writer
from .probe import probe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from .probe import MediaInfo
    from .progress import Report

_SEEK = 20.0
"""Seconds that are rather skipped by seeking than by reading."""
_TRIES = 3
_AHEAD = 8
"""Pictures and pieces of sound that are decoded while others are encoded."""


class Clip(NamedTuple):
    """A part of the source that becomes a file. Seconds of the source."""

    start: float
    end: float
    plan: Plan
    target: Path


def cut(info: MediaInfo, clips: Sequence[Clip], report: Report) -> Generator[Path]:
    """Write clips to their targets and give each path back when its file is there.

    Args:
        info: The source.
        clips: In the order of their starts and their ends.
        report: Told how far the source has been read, in seconds.

    Raises:
        MediaTooLargeError: A file stays over its budget, whatever is tried.
    """
    if not clips:
        return
    waiting, writers = deque(clips), deque[Writer]()
    clock = _Clock(clips)
    rate = clips[0].plan.sample_rate  # the sound is read once, for all of them
    with ExitStack() as stack:
        stack.enter_context(named(info.path))
        reader = Reader(info, rate, clock.ticks)
        stack.callback(_discard, writers)
        stack.callback(reader.close)
        position, sought = 0.0, 0.0

        def is_far() -> bool:
            far = not writers and bool(waiting) and waiting[0].start > max(sought, position + _SEEK)
            return far and reader.can_seek

        while waiting or writers:
            if is_far():
                sought = waiting[0].start
                reader.seek(sought)
            ended = True
            with closing(read_ahead(reader.read(), _AHEAD)) as pieces:
                for piece in pieces:
                    while waiting and waiting[0].start < piece.until:
                        writers.append(_writer(waiting.popleft(), info, rate))
                    for writer in writers:
                        writer.take(piece)
                    position = max(position, piece.time)
                    report(position)
                    while writers and _is_complete(writers[0], piece):
                        yield _finish(writers)
                    if is_far() or not (writers or waiting):
                        ended = False
                        break
            if ended:
                break
        writers.extend(_writer(clip, info, rate) for clip in waiting)
        while writers:
            yield _finish(writers)
        for problem in _problems(reader):
            warn_user(f"{info.path.name}: {problem}")


def _problems(reader: Reader) -> Iterator[str]:
    if reader.left_out:
        one = reader.left_out == 1
        yield f"{'1 piece' if one else f'{reader.left_out} pieces'} of it {'is' if one else 'are'} damaged and left out"
    if reader.cancelled:
        yield (
            f"its two channels cancel each other out (opposite phases) for {reader.cancelled:.1f} s; "
            "one of them was taken there"
        )


def _discard(writers: deque[Writer]) -> None:
    for writer in writers:
        writer.discard()


def _writer(clip: Clip, info: MediaInfo, rate: int) -> Writer:
    return Writer(clip.target, clip.start, clip.end, clip.plan._replace(sample_rate=rate), info)


def _is_complete(writer: Writer, piece: Picture | Sound) -> bool:
    """Whether all of a clip was read: pieces come in the order of their times."""
    return piece.time >= writer.end or min(writer.video_end, writer.audio_end) > writer.end - MOMENT


def _finish(writers: deque[Writer]) -> Path:
    writer = writers[0]
    size = writer.close()
    if size > writer.plan.max_bytes:
        _shrink(writer, size)
    path = writer.publish()
    writers.popleft()
    return path


def _shrink(writer: Writer, size: int) -> None:
    """Encode a finished file again until it is under its budget: from itself, which is small and soon read."""
    plan = writer.plan
    for _ in range(_TRIES):
        plan = smaller(plan, size)
        info = replace(probe(writer.path), duration=writer.end - writer.start)
        # The same span of time; the target is the partial file itself, replaced at once.
        clip = Clip(0.0, info.duration, plan._replace(max_bytes=2**62), writer.path)
        for _path in cut(info, [clip], lambda _: None):
            pass
        size = writer.path.stat().st_size
        if size <= plan.max_bytes:
            return
    error = MediaTooLargeError(f"a segment of {writer.end - writer.start:.1f} s stays over {plan.max_bytes:,} bytes")
    error.size, error.limit = size, plan.max_bytes
    raise error


class _Clock:
    """The times at which the files will show a picture: the others need not be decoded."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips = clips
        self._first = 0

    def ticks(self, since: float, until: float) -> bool:
        """Whether there is such a time between two; calls go forward in time, but for a few frames."""
        clips = self._clips
        while self._first < len(clips) - 1 and clips[self._first].end < since - 10:
            self._first += 1
        for clip in clips[self._first :]:
            if clip.start >= until:
                return False
            if clip.end > since:
                fps = float(clip.plan.fps)
                tick = clip.start + max(0, math.ceil((since - clip.start) * fps)) / fps
                if tick < until and tick < clip.end:
                    return True
        return False
