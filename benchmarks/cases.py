"""What is measured: each case runs in a process of its own and returns figures (seconds of CPU, bytes, …)."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import resource
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import measure, wire
from .peers import OURS, PEERS, QUESTION, Raw, ours

Figures = dict[str, float]

_FILE = 7_000_000
"""Bytes of the file that is sent."""
_STREAMS = 1000
_EVENTS = 200
"""Text deltas of each of the concurrent streams."""
_HELD = 6
"""Text deltas of the streams that are held before the last of them. LangChain keeps each chunk: 2 kB."""


def stream(server: str, peer: str, count: int, collector: str = "on") -> Figures:
    """CPU of `stream` over so many text deltas; the garbage collector may be off."""
    model = _model(server, peer, count)
    if collector == "off":
        gc.disable()
    return {"cpu": measure.cpu(lambda: _exhaust(model.stream(QUESTION)))}


def invoke(server: str, peer: str, count: int) -> Figures:
    """CPU of `invoke` for an answer of so many text deltas."""
    model = _model(server, peer, count)
    return {"cpu": measure.cpu(lambda: model.invoke(QUESTION))}


def first_chunk(server: str) -> Figures:
    """Seconds to the first chunk of a warm client, and to the first event of a script on httpx, taking turns."""
    url = f"{server}/paced/2/0.005"
    raw, model = Raw(url), ours(url)
    seconds: dict[str, list[float]] = {"raw": [], "ours": []}
    for _ in range(60):
        for name, peer in (("raw", raw), ("ours", model)):
            start = time.perf_counter()
            chunks = iter(peer.stream(QUESTION))
            next(chunks)
            seconds[name].append(time.perf_counter() - start)
            _exhaust(chunks)
    return {name: statistics.median(each[10:]) for name, each in seconds.items()}


def long_line(server: str, peer: str, seconds: int) -> Figures:
    """CPU and peak memory of `invoke` for an answer whose speech comes in one event."""
    url = f"{server}/speech/item/{seconds}"
    model = ours(url, voice="Tina") if peer == OURS else PEERS[peer][0](url)
    model.invoke(QUESTION)
    # Memory first: what the allocator keeps of earlier calls would hide some of it.
    return {"peak": measure.peak(lambda: model.invoke(QUESTION)), "cpu": measure.cpu(lambda: model.invoke(QUESTION))}


def speech_deltas(server: str, seconds: int) -> Figures:
    """CPU of `stream` for speech in deltas."""
    model = ours(f"{server}/speech/deltas/{seconds}", voice="Tina")
    return {"cpu": measure.cpu(lambda: _exhaust(model.stream(QUESTION)))}


def speech_events(server: str, seconds: int) -> Figures:
    """CPU of LangChain's protocol events for the same."""
    model = ours(f"{server}/speech/deltas/{seconds}", voice="Tina")
    return {"cpu": measure.cpu(lambda: _exhaust(model.stream_events(QUESTION, version="v3")))}


def speech_loop(server: str, seconds: int) -> Figures:
    """How late the event loop was, at most, while speech streamed."""
    model = ours(f"{server}/speech/deltas/{seconds}", voice="Tina")

    async def listen() -> float:
        await _drain(model.astream(QUESTION))
        gc.collect()
        async with measure.heartbeat() as late:
            await _drain(model.astream(QUESTION))
        return late[0]

    return {"late": asyncio.run(listen())}


def uploads(server: str, calls: int) -> Figures:
    """Memory that concurrent calls with a local file each take, and how late the event loop was, at most."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + os.urandom(_FILE - 12))
        model = ours(f"{server}/text/responses/10", media_roots=[folder])
        video = {"type": "video", "url": path.as_uri(), "mime_type": "video/mp4"}
        question = [("human", [video, {"type": "text", "text": QUESTION}])]

        async def ask() -> tuple[int, float]:
            await model.ainvoke(question)
            with measure.growth() as grown:
                async with measure.heartbeat() as late:
                    await asyncio.gather(*(model.ainvoke(question) for _ in range(calls)))
            return grown[0], late[0]

        grown, late = asyncio.run(ask())
    return {"peak": grown, "late": late}


def inline(server: str) -> Figures:
    """Memory that sending inline base64 takes, in copies of it."""
    data = "AAAAGGZ0eXBtcDQy" + "AbCd" * (_FILE // 3)
    model = ours(f"{server}/text/responses/10")
    video = {"type": "video", "base64": data, "mime_type": "video/mp4"}
    question = [("human", [video, {"type": "text", "text": QUESTION}])]
    model.invoke(QUESTION)
    return {"copies": measure.peak(lambda: model.invoke(question)) / len(data)}


def concurrent(server: str, peer: str, collector: str = "on") -> Figures:
    """CPU of many answers: one after another, and all at once; and how many of all at once were whole."""
    model = _model(server, peer, _EVENTS)
    if collector == "off":
        gc.disable()
    _allow_connections()

    async def count() -> int:
        return sum([len(chunk.text) async for chunk in model.astream(QUESTION)])

    async def run() -> Figures:
        await asyncio.gather(*(count() for _ in range(50)))
        gc.collect()
        start = time.process_time()
        for _ in range(_STREAMS):
            await count()
        alone = time.process_time() - start
        gc.collect()
        start = time.process_time()
        counts = await asyncio.gather(*(count() for _ in range(_STREAMS)))
        together = time.process_time() - start
        return {"alone": alone, "together": together, "whole": counts.count(_EVENTS * len(wire.WORD))}

    return asyncio.run(run())


def held(server: str) -> Figures:
    """Memory that an open stream takes: many, each in the middle of its answer."""
    model = ours(f"{server}/held/{_HELD}")
    _allow_connections()

    async def run() -> Figures:
        inside, all_inside = 0, asyncio.Event()

        async def listen() -> int:
            nonlocal inside
            chunks = 0
            async for _ in model.astream(QUESTION):
                chunks += 1
                if chunks == _HELD - 1:
                    inside += 1
                    if inside == goal:
                        all_inside.set()
            return chunks

        async def hold(streams: int) -> tuple[int, list[int]]:
            nonlocal inside, goal
            inside, goal = 0, streams
            all_inside.clear()
            gc.collect()
            before = measure.resident()
            tasks = [asyncio.create_task(listen()) for _ in range(streams)]
            await all_inside.wait()
            gc.collect()
            grown = measure.resident() - before
            await asyncio.to_thread(_exhaust, Raw(f"{server}/release").stream(QUESTION))
            return grown, await asyncio.gather(*tasks)

        goal = 0
        await hold(1)
        grown, counts = await hold(_STREAMS)
        return {"each": grown / _STREAMS, "whole": counts.count(_HELD + 1)}

    return asyncio.run(run())


def imports(_server: str) -> Figures:
    """CPU of importing what the package stands on, and the package behind it, in fresh interpreters.

    Less the interpreter's own. Behind it, as the order of imports alone makes a difference of some percent.
    """
    foundation = "import benchmarks.foundation"
    codes = {"nothing": "pass", "ours": f"{foundation}, langchain_dmx_omni", "foundation": foundation}
    for code in codes.values():
        _child_cpu(code)  # compiles what has not been compiled
    spent: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(10):
        for name, code in codes.items():
            spent[name].append(_child_cpu(code))
    own = statistics.median(spent["nothing"])
    return {name: statistics.median(spent[name]) - own for name in ("ours", "foundation")}


def constructing(_server: str, peer: str) -> Figures:
    """CPU of making a model, the first and others, and of `bind` and `with_config` on it."""
    make = PEERS[peer][0]
    module = "langchain_dmx_omni" if peer == OURS else "langchain_openai"
    importlib.import_module(module)
    start = time.process_time()
    model = make("http://127.0.0.1:1")
    first = time.process_time() - start

    def each(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=50, repeat=9, timer=time.process_time)) / 50

    return {
        "first": first,
        "make": each(lambda: make("http://127.0.0.1:1")),
        "bind": each(lambda: model.bind(stop=["x"])),
        "with_config": each(lambda: model.with_config(tags=["x"])),
    }


CASES: dict[str, Callable[..., Figures]] = {
    case.__name__: case
    for case in (
        concurrent,
        constructing,
        first_chunk,
        held,
        imports,
        inline,
        invoke,
        long_line,
        speech_deltas,
        speech_events,
        speech_loop,
        stream,
        uploads,
    )
}


def _model(server: str, peer: str, count: int) -> Any:
    make, protocol = PEERS[peer]
    return make(f"{server}/text/{protocol}/{count}")


def _exhaust(items: Iterable[object]) -> None:
    for _ in items:
        pass


async def _drain(items: Any) -> None:
    async for _ in items:
        pass


def _allow_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))


def _child_cpu(code: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environment)
    _, _, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime
