"""Figures → a table, JSON, a plot, and the page in docs/."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .goals import COMPARED, Goal, Results
from .peers import FLOOR, OURS, RAW

_NAMED = (
    "httpx",
    "langchain-core",
    "langchain-openai",
    "openai",
    "langchain-google-genai",
    "langchain-qwq",
    "pydantic",
)

_INTRODUCTION = """\
# Benchmarks

Measured, not promised: `make bench` runs all of it on your machine and writes this page, with `benchmarks/results.json`
and the plot. Every figure is a ratio within one run, or a cost that no machine hides; each case runs in a process of
its own, the sides take turns, and the median of the rounds counts. The server plays bytes made beforehand, from a
process of its own, each event in an HTTP chunk of its own.

*The httpx script* reads lines with httpx and parses them with json. *LangChain's floor* is a chat model that makes the
chunks and does nothing else. Where a goal is not met, the reason stands below the table.
"""


def table(goals: list[Goal], rounds: list[Results]) -> str:
    """Return the goals as a Markdown table: what, the median with its range, the goal, and whether it is met."""
    lines = ["| what | measured | goal | |", "|---|---|---|---|"]
    reasons: list[str] = []
    for goal in goals:
        figures = _figures(goal, rounds)
        bound, verdict = "", "to compare"
        if goal.bound is not None:
            bound = f"{'≥' if goal.at_least else '≤'} {goal.bound:g}"
            verdict = "met" if goal.met(figures) else "**not met**"
            if not goal.met(figures) and goal.why:
                reasons.append(f"- {goal.what}: {goal.why}.")
        span = f"{_short(statistics.median(figures))} ({_short(min(figures))} to {_short(max(figures))})"
        lines.append(f"| {goal.what} | {span} {goal.unit} | {bound} | {verdict} |")
    return "\n".join([*lines, "", *reasons]).rstrip()


def as_json(goals: list[Goal], rounds: list[Results]) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "machine": _machine(),
        "goals": [
            {
                "what": goal.what,
                "unit": goal.unit,
                "bound": goal.bound,
                "figures": _figures(goal, rounds),
                "met": goal.met(_figures(goal, rounds)),
            }
            for goal in goals
        ],
        "rounds": [{" ".join(map(str, run)): figures for run, figures in results.items()} for results in rounds],
    }


def page(goals: list[Goal], rounds: list[Results]) -> str:
    """Return the page."""
    peers = ["| peer | CPU of 10,000 text deltas, × ours |", "|---|---|"]
    peers += [f"| {peer} | {ratio:.2f} |" for peer, ratio in _compared(rounds).items()]
    return "\n".join(
        [
            _INTRODUCTION,
            f"{_machine()}.",
            "",
            table(goals, rounds),
            "",
            "## Streaming text, peer by peer",
            "",
            *peers,
            "",
            "![CPU of streaming text by peer, and each figure as a share of its goal](benchmarks.png)",
            "",
        ]
    )


def plot(goals: list[Goal], rounds: list[Results], path: Path) -> None:
    """Draw the peers side by side, and each figure as a share of what it may be."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(15, 7), width_ratios=(1, 1.2), layout="constrained")
    compared = _compared(rounds)
    colours = {OURS: "tab:blue", FLOOR: "tab:gray", RAW: "tab:gray"}
    bars = left.barh([*compared], [*compared.values()], color=[colours.get(peer, "tab:orange") for peer in compared])
    left.bar_label(bars, fmt="%.1f", padding=3)
    left.invert_yaxis()
    left.margins(x=0.12)
    left.set_title("CPU of stream() over 10,000 text deltas, × ours")

    bounded = [goal for goal in goals if goal.bound is not None]
    shares = [_share(goal, rounds) for goal in bounded]
    bars = right.barh(
        [goal.what for goal in bounded],
        [min(share, 2.0) for share in shares],
        color=["tab:blue" if share <= 1 else "tab:red" for share in shares],
    )
    right.bar_label(bars, [f"{share:.2f}" for share in shares], padding=3)
    right.axvline(1, color="black", linewidth=1)
    right.set_xlim(0, 2.2)
    right.invert_yaxis()
    right.set_title("share of the goal (1 is the bound; bars end at 2)")
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2g}" if figure < 0.1 else f"{figure:.2f}"


def _figures(goal: Goal, rounds: list[Results]) -> list[float]:
    return [goal.figure(results) for results in rounds]


def _share(goal: Goal, rounds: list[Results]) -> float:
    assert goal.bound is not None
    median = statistics.median(_figures(goal, rounds))
    return goal.bound / median if goal.at_least else max(0.0, median / goal.bound)


def _compared(rounds: list[Results]) -> dict[str, float]:
    ours = next(run for run in COMPARED if run[1] == OURS)
    return {run[1]: statistics.median(each[run]["cpu"] / each[ours]["cpu"] for each in rounds) for run in COMPARED}


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}; {packages}"
    )
