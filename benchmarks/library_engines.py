"""Threads, the event loop and Ray on the same recordings: documents, requests, time; then Ray with failures and a kill.

    python -m benchmarks.library_engines                    2,000 windows; some minutes
    python -m benchmarks.library_engines --windows 60       a quick look

The gateway answers each window with words made of the bytes that it was sent, so that equal documents mean that the
same was cut, asked and kept. In the last run it refuses 5 % of the requests with HTTP 503, and one actor that asks is
killed with SIGKILL in the middle. Exit status 1 says that something was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.library import Library
from langchain_dmx_omni.testing import LocalGateway, Request, Script, scripts

from .clips import make_clip

_WINDOW = 5.0
_PER_RECORDING = 50
"""Windows of one recording."""
_IN_FLIGHT = 16
_ACTOR = "ray::MapWorker(Map(_Asking))"


@dataclass
class Service:
    """The stand-in's side: what it was asked, and when it fails.

    Attributes:
        failing: The share of requests that it refuses.
        at: Calls `then` once, after this many answers.
        asked: How often each window was answered.
        refused: How many requests were not.
    """

    failing: float = 0.0
    at: int = 0
    then: Any = None
    asked: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> str | Script:
        """Answer a window with words made of its bytes."""
        data = b"".join(media.data or b"" for media in request.media)
        window = hashlib.blake2b(data, digest_size=8).hexdigest()
        with self._lock:
            number = sum(self.asked.values()) + self.refused
            if self.failing and number % round(1 / self.failing) == 7:
                self.refused += 1
                return scripts.error(503, "busy")
            self.asked[window] += 1
            if self.at and sum(self.asked.values()) == self.at:
                threading.Thread(target=self.then, daemon=True).start()
        caption = {"title": window, "seen": f"It shows {window}.", "said": [], "written": [], "entities": []}
        return json.dumps(caption)


def main() -> int:
    """Run all engines, print the table, and say whether anything is lost or doubled."""
    parser = argparse.ArgumentParser(prog="benchmarks.library_engines", description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=2_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as temporary:
        folder = Path(temporary)
        os.environ["DMX_OMNI_CACHE_DIR"] = str(folder / "cache")
        recordings = _recordings(folder / "recordings", args.windows)
        runs = [
            _run(folder, recordings, "threads", Service()),
            _run(folder, recordings, "asyncio", Service()),
            _run(folder, recordings, "ray", Service()),
            _run(folder, recordings, "ray, 5 % fail, a kill", Service(0.05, at=args.windows // 3, then=_kill_an_actor)),
        ]
    print("| engine | seconds | windows | requests | answered twice | refused | documents | as threads |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|")  # noqa: T201
    for name, seconds, service, documents in runs:
        requests = sum(service.asked.values()) + service.refused
        twice = sum(count - 1 for count in service.asked.values())
        same = documents == runs[0][3]
        cells = [name, f"{seconds:.1f}", len(service.asked), requests, twice, service.refused, len(documents), same]
        print(f"| {' | '.join(map(str, cells))} |")  # noqa: T201
    sound = all(documents == runs[0][3] and len(documents) == len(set(documents)) for *_, documents in runs)
    return 0 if sound else 1


Run = tuple[str, float, Service, list[tuple[str, float, float, str]]]


def _run(folder: Path, recordings: list[Path], name: str, service: Service) -> Run:
    with LocalGateway(answer=service.answer) as gateway:
        os.environ["DMXAPI_API_KEY"] = gateway.api_key
        place = folder / f"{len(list(folder.iterdir()))}.library"
        llm = ChatDMXOmni(base_url=gateway.base_url)
        library = Library.open(place, llm=llm, embeddings="none", window=_WINDOW, by="time")
        since = time.monotonic()
        if name == "asyncio":
            report = asyncio.run(library.aadd(recordings, max_concurrency=_IN_FLIGHT))
        else:
            engine: Any = "threads" if name == "threads" else "ray"
            report = library.add(recordings, engine=engine, max_concurrency=_IN_FLIGHT)
            while report.missing or report.failed:  # what was refused for good is asked for by the next run
                print(f"again: {report}", file=sys.stderr)  # noqa: T201
                report = library.add(recordings, engine=engine, max_concurrency=_IN_FLIGHT)
        seconds = time.monotonic() - since
    documents = sorted(
        (Path(str(each.metadata["source"])).name, each.metadata["start_seconds"], each.metadata["end_seconds"], text)
        for each in library.store.documents()
        for text in [each.page_content]
    )
    return name, seconds, service, documents


def _recordings(folder: Path, windows: int) -> list[Path]:
    """Make recordings, each another one, of `windows` windows together; each lasts 5 s and shares a quarter of them."""
    folder.mkdir()
    count = -(-windows // _PER_RECORDING)
    seconds = _PER_RECORDING * _WINDOW * 0.75 + 1.1
    paths = [folder / f"{number:04}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        make_clip(path, seconds + number / 100, width=64, height=48 + 2 * (number % 60), fps=2, sound=False)
    return paths


def _kill_an_actor() -> None:
    """Kill one of the processes that ask; they are of the cluster that this process has started."""
    import ray

    session = ray._private.worker._global_node.get_session_dir_path()
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = status.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((status.parent / "stat").read_text().rpartition(")")[2].split()[1])
            raylet = Path(f"/proc/{parent}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            continue
        if title.startswith(_ACTOR) and session in raylet:
            os.kill(int(status.parent.name), signal.SIGKILL)
            print(f"killed {title.strip()}", file=sys.stderr)  # noqa: T201
            return


if __name__ == "__main__":
    sys.exit(main())
