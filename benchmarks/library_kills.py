"""Kill the index run of a library at random points, finish it, and count what was asked.

    python -m benchmarks.library_kills            # ten kills
    python -m benchmarks.library_kills --kills 3 --seed 7

Twelve films of twenty seconds are indexed in windows of two seconds against the local gateway, by a process that is
killed (SIGKILL) after a random time, again and again, and then left alone. Each window may be asked once, and once more
for each kill that caught it in flight. The documents are those of a run that was never killed, and `verify` is clean.
The exit status is 1 where any of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.library import Library
from langchain_dmx_omni.testing import LocalGateway, Request

from .clips import make_clip

ROOT = Path(__file__).resolve().parent.parent
FILMS, SECONDS, WINDOW, CALLS = 12, 20.0, 2.0, 4


def answer(request: Request) -> str:
    """Describe a window, by the words that ask about it."""
    part = request.prompt.partition("part ")[2].partition(" ")[0] or "1"
    return json.dumps(
        {
            "title": f"Part {part}",
            "seen": f"A pattern moves in part {part}.",
            "entities": ["pattern"],
            "written": [],
            "said": [{"start": 0.2, "end": 1.6, "text": f"This is part {part}.", "speaker": "Speaker 1"}],
        }
    )


def opened(place: str, base_url: str) -> Library:
    """Return the library."""
    llm = ChatDMXOmni(base_url=base_url, api_key="sk-local", max_retries=0)
    return Library.open(place, llm=llm, embeddings="none", window=WINDOW, by="time")


def documents(library: Library) -> list[Any]:
    """Return all that it holds."""
    return sorted(
        ((each.id, each.page_content, sorted(each.metadata.items())) for each in library.store.documents()), key=str
    )


def run(place: Path, films: Path, base_url: str) -> subprocess.Popen[bytes]:
    """Start a process that indexes the films."""
    command = [sys.executable, "-m", "benchmarks.library_kills", "--child", str(place), str(films), base_url]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def main() -> int:
    """Make films, kill, finish, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        place, films, base_url = args.child
        opened(place, base_url).add(films, max_concurrency=CALLS)
        return 0
    with tempfile.TemporaryDirectory() as scratch, LocalGateway(answer=answer) as gateway:
        return measure(Path(scratch), gateway, args.kills, random.Random(args.seed))


def measure(scratch: Path, gateway: LocalGateway, kills: int, rng: random.Random) -> int:
    """Run it, print a line for each kill and the outcome, and return the exit status."""
    films = scratch / "films"
    films.mkdir()
    for number in range(FILMS):
        make_clip(films / f"film-{number:02}.mp4", SECONDS + number, width=64, height=48, fps=5)
    place = scratch / "killed.library"
    for number in range(1, kills + 1):
        before = len(gateway.requests)
        process = run(place, films, gateway.base_url)
        requests, rest = rng.randint(1, 24), rng.uniform(0.0, 0.5)
        while process.poll() is None and len(gateway.requests) < before + requests:
            time.sleep(0.01)
        time.sleep(rest)
        process.kill()
        state = "killed" if process.wait() < 0 else "ended by itself"
        print(f"run {number:2}: {state}, {len(gateway.requests) - before} requests", flush=True)  # noqa: T201  # it is a command
    process = run(place, films, gateway.base_url)
    status = process.wait()
    requests = len(gateway.requests)
    library = opened(str(place), gateway.base_url)
    whole = opened(str(scratch / "whole.library"), gateway.base_url)
    whole.add(films)
    windows = len(gateway.requests) - requests
    again = requests - windows
    checks = {
        f"the last run ends with {status}": status == 0,
        f"{windows} windows, {requests} requests: {again} asked again, at most {kills * CALLS} were in flight": 0
        <= again
        <= kills * CALLS,
        f"{library.store.count()} documents, as without kills": documents(library) == documents(whole),
        f"verify: {library.verify() or 'clean'}": not library.verify(),
        "adding again asks nothing": not library.add(films).added,
    }
    for what, holds in checks.items():
        print("ok " if holds else "OFF", what)  # noqa: T201
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
