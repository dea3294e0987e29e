"""What adding to a library costs beside cutting alone, and what adding again costs.

    python -m benchmarks.library_adding                  four minutes of 1080p, three rounds; a thousand recordings
    python -m benchmarks.library_adding --minutes 1      a quick look

A model of this process answers at once, so that `add` is everything but waiting: cutting, encoding, keeping answers,
thumbnails, embedding, writing. `split` cuts the same windows of the same recording, in the same run. The thousand
recordings are short ones of different bytes, added twice.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import PydanticOutputParser
from langchain_core.runnables import Runnable
from pydantic import Field

from langchain_dmx_omni import video
from langchain_dmx_omni.library import Library

from . import talk
from .clips import make_clip

RECORDINGS = 1_000
ANSWER = {
    "title": "The yard",
    "seen": "A crane lifts a pallet of bricks over the gate, and a man in a yellow coat waves it on.",
    "entities": ["crane", "bricks"],
    "written": [{"start": 1, "end": 9, "text": "GATE 4"}],
    "said": [{"start": 2, "end": 7, "text": "Slowly, there is somebody behind you.", "speaker": "Speaker 1"}],
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.library_adding", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=4.0, help="length of the recording (%(default)g)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the sides take their turn (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the recording is kept for the next run")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as folder:
        _say("| | × real time | CPU s | × split's speed |\n|---|---|---|---|")
        cutting(talk.cached(args.folder or Path(folder), args.minutes), args.rounds)
        again(Path(folder))


def cutting(source: Path, rounds: int) -> None:
    """Cut a recording, and add it, with and without embeddings."""
    duration = video.probe(source).duration
    sides: dict[str, Callable[[Path], None]] = {
        "split": lambda out: _split(source, out),
        "add, words alone": lambda out: _add(source, out, "none"),
        "add, with the embeddings of this machine": lambda out: _add(source, out, None),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory(prefix="dmx-omni-") as out:
                cpu, began = _cpu(), time.perf_counter()
                side(Path(out))
                seconds[name].append((time.perf_counter() - began, _cpu() - cpu))
    for name, times in seconds.items():
        wall, cpu = (statistics.median(each) for each in zip(*times, strict=True))
        ratio = statistics.median(split / own for (split, _), (own, _) in zip(seconds["split"], times, strict=True))
        _say(f"| {name} | {duration / wall:.1f} | {cpu:.1f} | {ratio:.2f} |")


def again(folder: Path) -> None:
    """Add a thousand recordings twice."""
    films = folder / "films"
    films.mkdir()
    clip = make_clip(folder / "clip.mp4", 2.0, width=64, height=48, fps=5, sound=False).read_bytes()
    for number in range(RECORDINGS):
        # A box that players skip makes each another file.
        (films / f"{number:04}.mp4").write_bytes(clip + (12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big"))
    place, model = folder / "thousand.library", AtOnce()
    for name in ("added", "unchanged"):
        began, asked = time.perf_counter(), model.calls
        report = Library.open(place, llm=model, embeddings="none").add(films, max_concurrency=2)
        took = time.perf_counter() - began
        _say(f"{len(getattr(report, name))} recordings {name}: {took:.2f} s, {model.calls - asked} requests")


class AtOnce(FakeListChatModel):
    """A model that answers at once, and counts.

    Attributes:
        calls: How often it was asked.
    """

    responses: list[str] = Field(default_factory=lambda: [json.dumps(ANSWER)])
    calls: int = 0

    def _call(self, *args: Any, **kwargs: Any) -> str:
        self.calls += 1
        return super()._call(*args, **kwargs)

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Runnable[Any, Any]:
        """Return the model, and what reads its answer."""
        return self | PydanticOutputParser(pydantic_object=schema)


def _split(source: Path, out: Path) -> None:
    # The windows of a library: of 30 seconds, which share 2.
    for _ in video.split(source, window=30, overlap=2, out=out):
        pass


def _add(source: Path, out: Path, embeddings: Literal["none"] | None) -> None:
    report = Library.open(out, llm=AtOnce(), embeddings=embeddings, by="time").add(source)
    if report.failed or report.missing:
        sys.exit(f"not indexed: {report}")


def _cpu() -> float:
    used = os.times()
    return used.user + used.system


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
