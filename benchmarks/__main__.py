"""The command: runs what the goals need, says which are met, and writes the page and the plot."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from . import report, server
from .goals import COMPARED, GOALS, Goal, Results, Run


def main() -> int:
    """Measure and tell; exit status 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="WORD", help="only the goals whose name holds this word; writes no page")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results.json"), help="where the figures go")
    args = parser.parse_args()
    goals = [goal for goal in GOALS if args.only is None or args.only in goal.what]
    runs = [*dict.fromkeys(run for goal in goals for run in goal.runs)]
    if args.only is None:
        runs = [*dict.fromkeys([*runs, *COMPARED])]
    rounds: list[Results] = []
    with server.running() as url:
        for number in range(1, args.rounds + 1):
            progress = f"round {number} of {args.rounds}"
            rounds += [{run: _measured(url, run, progress) for run in runs}]
    sys.stderr.write("\r\033[K")
    print(report.table(goals, rounds))  # noqa: T201  it is a command
    if args.only is None:
        _write(args.json, goals, rounds)
    return 0


def _measured(url: str, run: Run, progress: str) -> dict[str, float]:
    sys.stderr.write(f"\r\033[K{progress}: {' '.join(map(str, run))}")
    sys.stderr.flush()
    command = [sys.executable, "-m", "benchmarks.child", url, *map(str, run)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        sys.exit(f"\n{' '.join(command)}\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _write(path: Path, goals: list[Goal], rounds: list[Results]) -> None:
    path.write_text(json.dumps(report.as_json(goals, rounds), indent=1) + "\n", "utf-8")
    docs = Path("docs")
    report.plot(goals, rounds, docs / "benchmarks.png")
    (docs / "benchmarks.md").write_text(report.page(goals, rounds), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
