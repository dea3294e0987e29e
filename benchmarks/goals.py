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

Results = Mapping[Run, Mapping[str, float]]
"""What one round measured."""

_DELTAS = 10_000
_SPEECH = 600


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal.

    Attributes:
        what: What is measured.
        unit: What the figure is a multiple of, or its unit.
        bound: What the figure may be: at most, or at least where `at_least` is set. None for a figure to compare with.
        runs: The cases that it needs.
        figure: Makes the figure of one round's results.
    """

    what: str
    unit: str
    bound: float | None = None
    runs: tuple[Run, ...]
    figure: Callable[[Results], float]
    at_least: bool = False
    why: str = ""
    """Why it may not be met."""

    def met(self, figures: list[float]) -> bool:
        """Whether the median keeps within the bound."""
        median = statistics.median(figures)
        if self.bound is None:
            return True
        return median >= self.bound if self.at_least else median <= self.bound


def _stream(peer: str, count: int = _DELTAS) -> Run:
    return "stream", peer, count


def _invoke(peer: str, count: int = _DELTAS) -> Run:
    return "invoke", peer, count


def _line(peer: str) -> Run:
    return "long_line", peer, _SPEECH


def _ratio(run: Run, to: Run, name: str = "cpu") -> Callable[[Results], float]:
    return lambda results: results[run][name] / results[to][name]


def _figure(run: Run, name: str, factor: float = 1.0) -> Callable[[Results], float]:
    return lambda results: results[run][name] * factor


def _flat(peer: str, of: Callable[[str, int], Run], low: int, high: int) -> Callable[[Results], float]:
    return lambda results: (results[of(peer, high)]["cpu"] / high) / (results[of(peer, low)]["cpu"] / low)


_IMPORTS: Run = ("imports",)
_MAKING = ("constructing", OURS), ("constructing", "ChatOpenAI")
_FIRST: Run = ("first_chunk",)
_CONCURRENT: Run = ("concurrent", OURS)
_CONCURRENT_OFF: Run = ("concurrent", OURS, "off")
_CONCURRENT_FLOOR: Run = ("concurrent", FLOOR)
_HELD: Run = ("held",)
_UPLOADS: Run = ("uploads", 16)
_INLINE: Run = ("inline",)

GOALS = [
    Goal(
        what="text: stream() of 10,000 deltas",
        unit="× CPU of LangChain's floor and the httpx script together",
        bound=1.0,
        runs=(_stream(OURS), _stream(FLOOR), _stream(RAW)),
        figure=lambda results: (
            results[_stream(OURS)]["cpu"] / (results[_stream(FLOOR)]["cpu"] + results[_stream(RAW)]["cpu"])
        ),
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
        figure=_flat(OURS, _stream, 1000, 100_000),
        why="LangChain keeps every chunk until the end, and Python's garbage collector looks at all of them again "
        "and again; the next lines are the same without the collector, and LangChain alone",
    ),
    Goal(
        what="text: the same, the garbage collector off",
        unit="× at 1,000",
        runs=tuple(("stream", OURS, count, "off") for count in (1000, 100_000)),
        figure=_flat(OURS, lambda peer, count: ("stream", peer, count, "off"), 1000, 100_000),
    ),
    Goal(
        what="text: the same, LangChain's floor",
        unit="× at 1,000",
        runs=(_stream(FLOOR, 1000), _stream(FLOOR, 100_000)),
        figure=_flat(FLOOR, _stream, 1000, 100_000),
    ),
    Goal(
        what="text: invoke(), CPU of an event at 100,000 deltas",
        unit="× at 1,000",
        bound=1.1,
        runs=(_invoke(OURS, 1000), _invoke(OURS, 100_000)),
        figure=_flat(OURS, _invoke, 1000, 100_000),
    ),
    Goal(
        what="first chunk of a warm client",
        unit="ms after the first event of the httpx script",
        bound=2.0,
        runs=(_FIRST,),
        figure=lambda results: (results[_FIRST]["ours"] - results[_FIRST]["raw"]) * 1000,
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
        figure=lambda results: (results[_line(OURS)]["peak"] - results[_line(RAW)]["peak"]) / wire.payload(_SPEECH),
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
        figure=lambda results: results[_CONCURRENT]["together"] / results[_CONCURRENT]["alone"],
        why="the garbage collector again, over 200,000 chunks that LangChain keeps, and a connection for each stream; "
        "the next lines are the same without the collector, and LangChain alone",
    ),
    Goal(
        what="concurrency: the same, the garbage collector off",
        unit="× of one stream after another",
        runs=(_CONCURRENT_OFF,),
        figure=lambda results: results[_CONCURRENT_OFF]["together"] / results[_CONCURRENT_OFF]["alone"],
    ),
    Goal(
        what="concurrency: the same, LangChain's floor",
        unit="× of one stream after another",
        runs=(_CONCURRENT_FLOOR,),
        figure=lambda results: results[_CONCURRENT_FLOOR]["together"] / results[_CONCURRENT_FLOOR]["alone"],
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
        runs=(_IMPORTS,),
        figure=lambda results: results[_IMPORTS]["ours"] / results[_IMPORTS]["foundation"],
    ),
    Goal(
        what="start: making the first model of a process",
        unit="× CPU of ChatOpenAI's",
        bound=0.05,
        runs=_MAKING,
        figure=_ratio(*_MAKING, "first"),
    ),
    Goal(
        what="start: making another",
        unit="× CPU of ChatOpenAI's",
        bound=0.05,
        runs=_MAKING,
        figure=_ratio(*_MAKING, "make"),
        why="two thirds of it is LangChain's own empty model",
    ),
    *(
        Goal(
            what=f"start: {name}()",
            unit="× CPU of ChatOpenAI's",
            bound=0.05,
            runs=_MAKING,
            figure=_ratio(*_MAKING, name),
            why="it is LangChain's own, the same for every model: 4 µs",
        )
        for name in ("bind", "with_config")
    ),
]

COMPARED = [_stream(peer) for peer in PEERS]
"""All peers that can stream text, side by side, for the plot."""
