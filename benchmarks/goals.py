"""The goals: what each measures, what it is compared with, and what it must not exceed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import wire
from .peers import FLOOR, OURS, PEERS, RAW

Run = tuple[Any, ...]
"""A case and its arguments."""

Round = Mapping[Run, Mapping[str, float]]
"""What one round measured."""

_DELTAS = 10_000
_SPEECH = 600


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal.

    Attributes:
        what: What is measured.
        unit: What the figure is a multiple of, or its unit.
        bound: What the figure may be: at most, or at least where `at_least` is set.
        runs: The cases that it needs.
        figure: Makes the figure of what one round measured.
    """

    what: str
    unit: str
    bound: float
    runs: tuple[Run, ...]
    figure: Callable[[Round], float]
    at_least: bool = False

    def met(self, figures: list[float]) -> bool:
        """Whether the median keeps within the bound."""
        median = statistics.median(figures)
        return median >= self.bound if self.at_least else median <= self.bound


def _stream(peer: str, count: int = _DELTAS) -> Run:
    return "stream", peer, count


def _invoke(peer: str, count: int = _DELTAS) -> Run:
    return "invoke", peer, count


def _line(peer: str) -> Run:
    return "long_line", peer, _SPEECH


def _ratio(run: Run, to: Run, name: str = "cpu") -> Callable[[Round], float]:
    return lambda round: round[run][name] / round[to][name]


def _figure(run: Run, name: str, factor: float = 1.0) -> Callable[[Round], float]:
    return lambda round: round[run][name] * factor


def _flat(of: Callable[[str, int], Run], low: int, high: int) -> Callable[[Round], float]:
    return lambda round: (round[of(OURS, high)]["cpu"] / high) / (round[of(OURS, low)]["cpu"] / low)


_IMPORTS = ("imports", "langchain_dmx_omni"), ("imports", "benchmarks.foundation")
_MAKING = ("constructing", OURS), ("constructing", "ChatOpenAI")
_FIRST: Run = ("first_chunk",)
_CONCURRENT: Run = ("concurrent",)
_HELD: Run = ("held",)
_UPLOADS: Run = ("uploads", 16)
_INLINE: Run = ("inline",)

GOALS = [
    Goal(
        what="text: stream() of 10,000 deltas",
        unit="× CPU of LangChain's floor and the httpx script together",
        bound=1.0,
        runs=(_stream(OURS), _stream(FLOOR), _stream(RAW)),
        figure=lambda round: round[_stream(OURS)]["cpu"] / (round[_stream(FLOOR)]["cpu"] + round[_stream(RAW)]["cpu"]),
    ),
    Goal(
        what="text: stream() of the same, ChatOpenAI",
        unit="× ours",
        bound=5.0,
        at_least=True,
        runs=(_stream(OURS), _stream("ChatOpenAI")),
        figure=_ratio(_stream("ChatOpenAI"), _stream(OURS)),
    ),
    Goal(
        what="text: invoke() of the same",
        unit="× CPU of the httpx script",
        bound=0.8,
        runs=(_invoke(OURS), _invoke(RAW)),
        figure=_ratio(_invoke(OURS), _invoke(RAW)),
    ),
    Goal(
        what="text: stream(), CPU of an event at 100,000 deltas",
        unit="× at 1,000",
        bound=1.1,
        runs=(_stream(OURS, 1000), _stream(OURS, 100_000)),
        figure=_flat(_stream, 1000, 100_000),
    ),
    Goal(
        what="text: invoke(), CPU of an event at 100,000 deltas",
        unit="× at 1,000",
        bound=1.1,
        runs=(_invoke(OURS, 1000), _invoke(OURS, 100_000)),
        figure=_flat(_invoke, 1000, 100_000),
    ),
    Goal(
        what="first chunk of a warm client",
        unit="ms after the first event of the httpx script",
        bound=2.0,
        runs=(_FIRST,),
        figure=lambda round: (round[_FIRST]["ours"] - round[_FIRST]["raw"]) * 1000,
    ),
    Goal(
        what="speech: invoke() with 10 minutes in one event (38 MB)",
        unit="× CPU of the httpx script",
        bound=0.8,
        runs=(_line(OURS), _line(RAW)),
        figure=_ratio(_line(OURS), _line(RAW)),
    ),
    Goal(
        what="speech: peak memory of the same, over that of the httpx script",
        unit="× the payload",
        bound=1.0,
        runs=(_line(OURS), _line(RAW)),
        figure=lambda round: (round[_line(OURS)]["peak"] - round[_line(RAW)]["peak"]) / wire.payload(_SPEECH),
    ),
    Goal(
        what="speech: stream() of 600 s in deltas",
        unit="× CPU of 60 s",
        bound=11.0,
        runs=(("speech_deltas", 600), ("speech_deltas", 60)),
        figure=_ratio(("speech_deltas", 600), ("speech_deltas", 60)),
    ),
    Goal(
        what="speech: the same through v3 events",
        unit="× CPU of 60 s",
        bound=11.0,
        runs=(("speech_events", 600), ("speech_events", 60)),
        figure=_ratio(("speech_events", 600), ("speech_events", 60)),
    ),
    Goal(
        what="speech: longest pause of the event loop during 600 s in deltas",
        unit="ms",
        bound=50.0,
        runs=(("speech_loop", 600),),
        figure=_figure(("speech_loop", 600), "late", 1000),
    ),
    Goal(
        what="uploads: memory of 16 concurrent calls, each with a file of 7 MB",
        unit="MB",
        bound=20.0,
        runs=(_UPLOADS,),
        figure=_figure(_UPLOADS, "peak", 1e-6),
    ),
    Goal(
        what="uploads: longest pause of the event loop meanwhile",
        unit="ms",
        bound=20.0,
        runs=(_UPLOADS,),
        figure=_figure(_UPLOADS, "late", 1000),
    ),
    Goal(
        what="uploads: memory of sending 9.3 MB of inline base64",
        unit="× the base64",
        bound=1.0,
        runs=(_INLINE,),
        figure=_figure(_INLINE, "copies"),
    ),
    Goal(
        what="concurrency: 1,000 astream() at once that end whole",
        unit="of 1,000",
        bound=1000,
        at_least=True,
        runs=(_CONCURRENT,),
        figure=_figure(_CONCURRENT, "whole"),
    ),
    Goal(
        what="concurrency: CPU of their events",
        unit="× of one stream after another",
        bound=1.2,
        runs=(_CONCURRENT,),
        figure=lambda round: round[_CONCURRENT]["together"] / round[_CONCURRENT]["alone"],
    ),
    Goal(
        what="concurrency: memory of an open stream, 1,000 at once",
        unit="kB",
        bound=60.0,
        runs=(_HELD,),
        figure=_figure(_HELD, "each", 1e-3),
    ),
    Goal(
        what="start: import langchain_dmx_omni",
        unit="× CPU of importing what it stands on",
        bound=1.05,
        runs=_IMPORTS,
        figure=_ratio(*_IMPORTS),
    ),
    *(
        Goal(
            what=f"start: {told}",
            unit="× CPU of ChatOpenAI's",
            bound=0.05,
            runs=_MAKING,
            figure=_ratio(*_MAKING, name),
        )
        for name, told in (("make", "making a model"), ("bind", "bind()"), ("with_config", "with_config()"))
    ),
]

COMPARED = [_stream(peer) for peer in PEERS]
"""All peers that can stream text, side by side, for the plot."""
