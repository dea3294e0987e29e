"""Sound of any kind → pieces of mono sound at one sample rate."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle
from operator import mul
from typing import TYPE_CHECKING, Final, NamedTuple

import av

from ._clock import Succession

if TYPE_CHECKING:
    from av.filter.context import FilterContext

SAMPLE_WIDTH: Final = 2
"""Bytes of a sample: sound is mono, 16 bits, native byte order."""

_PIECES: Final = 8
"""Pieces of sound a second."""
_MEMORY: Final = 0.9
"""Share of the loudness that is kept from piece to piece, so that a moment doesn't decide."""
_CANCELS, _HOLDS = 0.25, 0.5
"""Power of a sum, as a share of its parts': below the first it is left, above the second taken again. Sounds that have
nothing to do with each other have 1."""
_QUIET: Final = 1e-7 * 32768**2
"""Power of samples that is not worth a decision: −70 dB of full scale."""
_STRIDES: Final = (7, 11, 13)
"""Samples from one that is measured to the next, piece by piece in turn: no pitch is in step with all of them."""


class Sound(NamedTuple):
    """A piece of mono sound. Seconds from the file's start."""

    time: float
    until: float
    samples: bytes


def sound_frame(samples: bytes, rate: int, at: int) -> av.AudioFrame:
    """Return samples of mono sound as a frame.

    Args:
        samples: The samples.
        rate: How many there are in a second.
        at: The number of the first of them.
    """
    frame = av.AudioFrame("s16", "mono", len(samples) // SAMPLE_WIDTH)
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
    return frame


class Mixer:
    """Decoded frames → mono sound that goes on by the count of its samples.

    Where the two channels of stereo cancel each other out, as of a cable with its poles swapped, one of them is taken.

    Args:
        rate: Hertz of what is given out.
        raw: Whether timestamps say nothing.

    Attributes:
        cancelled: Seconds for which one channel was taken.
    """

    def __init__(self, rate: int, *, raw: bool) -> None:
        self.cancelled = 0.0
        self._rate = rate
        self._succession = Succession(raw)
        self._kind: tuple[object, ...] | None = None
        self._time_base = Fraction(1, rate)
        self._graph: av.filter.Graph | None = None
        self._time = 0.0
        """Where the first sample of the graph stands."""
        self._fed = self._pulled = 0
        """Samples since then."""
        self._balance: _Balance | None = None

    def mix(self, frame: av.AudioFrame | None, time: float | None = None) -> Iterator[Sound]:
        """Feed a frame, or the end, and return the sound that is ready.

        Args:
            frame: Decoded sound.
            time: Its timestamp in seconds, or None for none.
        """
        if frame is None:
            yield from self._flush()
            return
        if not frame.samples or not frame.sample_rate:
            return
        end = self._succession.end
        start = self._succession.place(time, frame.samples / frame.sample_rate)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        # A graph knows neither gaps nor a stream that changes its mind.
        if kind != self._kind or start != end or self._graph is None:
            yield from self._flush()
            self._kind, self._graph = kind, self._build(frame)
            self._time, self._fed, self._pulled = start, 0, 0
            self._time_base = Fraction(1, frame.sample_rate)
        frame.pts, frame.time_base = self._fed, self._time_base
        self._fed += frame.samples
        self._graph.push(frame)
        yield from self._ready()

    def _build(self, frame: av.AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        channels, layout = frame.layout.nb_channels, frame.layout.name
        nodes: list[FilterContext] = [
            graph.add(
                "abuffer",
                f"sample_rate={frame.sample_rate}:sample_fmt={frame.format.name}:channel_layout={layout}"
                f":time_base=1/{frame.sample_rate}",
            )
        ]
        # Where the loudspeakers stand is not known of channels that are only counted: their mean is taken.
        counted = channels > 2 and layout.endswith("channels")
        if counted:
            share = "+".join(f"{1 / channels:.6f}*c{channel}" for channel in range(channels))
            nodes.append(graph.add("pan", f"mono|c0={share}"))
        nodes.append(graph.add("aresample", f"{self._rate}"))
        self._balance = None
        if channels >= 2 and not counted:
            self._balance = _Balance()
            nodes.append(graph.add("aformat", "sample_fmts=fltp" + ":channel_layouts=stereo" * (channels > 2)))
            nodes.append(graph.add("pan", "3.0|c0=0.5*c0+0.5*c1|c1=c0|c2=c1"))
        layout = "3.0" if self._balance else "mono"
        nodes.append(graph.add("aformat", f"sample_fmts=s16:channel_layouts={layout}"))
        nodes.append(graph.add("asetnsamples", f"n={self._rate // _PIECES}:p=0"))
        graph.link_nodes(*nodes, graph.add("abuffersink")).configure()
        return graph

    def _flush(self) -> Iterator[Sound]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
            self._graph = None

    def _ready(self) -> Iterator[Sound]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            channels = frame.layout.nb_channels
            samples = bytes(frame.planes[0])[: frame.samples * SAMPLE_WIDTH * channels]
            if self._balance is not None:
                sum_and_parts = array("h", samples)
                channel = self._balance.channel(sum_and_parts)
                self.cancelled += frame.samples / self._rate if channel else 0
                samples = sum_and_parts[channel::channels].tobytes()
            time = self._time + self._pulled / self._rate
            self._pulled += frame.samples
            yield Sound(time, self._time + self._pulled / self._rate, samples)


class _Balance:
    """Of a sum and its two parts, how loud each has been, and which of them is to be heard."""

    def __init__(self) -> None:
        self._power = [0.0, 0.0, 0.0]
        self._strides = cycle(_STRIDES)
        self._channel = 0

    def channel(self, samples: array[int]) -> int:
        """Return the channel of a piece that is to be heard: 0 for the sum, 1 or 2 for a part.

        Args:
            samples: The piece, with the samples of the sum and its parts in turn.
        """
        stride = 3 * next(self._strides)
        for at, power in enumerate(self._power):
            some = samples[at::stride]
            now = sum(map(mul, some, some)) / max(1, len(some))
            self._power[at] = now if not power else _MEMORY * power + (1 - _MEMORY) * now
        total, *parts = self._power
        expected = sum(parts) / 4
        if expected < _QUIET:
            return self._channel
        if total < _CANCELS * expected and not self._channel:
            self._channel = 1 if parts[0] >= parts[1] else 2
        elif total > _HOLDS * expected:
            self._channel = 0
        return self._channel
