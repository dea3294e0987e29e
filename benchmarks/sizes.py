"""What a notebook's cell and an agent's checkpoints hold, in bytes.

    python -m benchmarks.sizes [TURNS …]

Everything is asked of the gateway on this machine: questions of 20 s of sound (640 kB), a tool, answers of 23.5 s of
speech. "LangChain's text" is what a cell shows of messages that came from a checkpoint or a file, and what it showed
of all of them before blocks had a short `repr`.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import tempfile
import wave
from array import array
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from IPython.core.formatters import DisplayFormatter
from langchain.agents import create_agent
from langchain_core.messages import BaseMessage, HumanMessage, messages_from_dict, messages_to_dict
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver

from langchain_dmx_omni import ChatDMXOmni, Speech, media, notebook
from langchain_dmx_omni.middleware import SmallHistory
from langchain_dmx_omni.testing import Answer, Call, LocalGateway, Request

ASKED, ANSWERED = 20.0, 23.5
"""Seconds of a spoken question, and of a spoken answer."""

TURNS = (3, 10)
TEXT = "On Friday the shop is open from 9 to 17."


def main(turns: tuple[int, ...]) -> None:
    """Measure, and print both tables."""
    with LocalGateway(answer=reply) as gateway, _scratch():
        llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, voice="Tina", media_roots=["."])
        Path("question.wav").write_bytes(sound(ASKED, 16_000))
        _table(("a cell that ends in", "LangChain's text", "without the extension", "with it"), cells(llm))
        _table(("turns", "without SmallHistory", "with it", "the last state"), checkpoints(llm, turns))


def reply(request: Request) -> Answer:
    """Call the tool, then speak."""
    if request.tools and not request.tool_results:
        return Answer(calls=[Call("opening_hours", {"day": "Friday"})])
    return Answer(TEXT, speech=sound(ANSWERED, 24_000))


def sound(seconds: float, rate: int) -> bytes:
    """Return a WAV of a sound that rises and falls."""
    target = io.BytesIO()
    with wave.open(target, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(rate)
        count = round(seconds * rate)
        output.writeframes(array("h", (at * 37 % 20_000 - 10_000 for at in range(count))).tobytes())
    return target.getvalue()


@tool
def opening_hours(day: str) -> str:
    """Say when the shop is open on a day."""
    return f"On {day} the shop is open from 9 to 17."


def asked(*, inline: bool = True) -> HumanMessage:
    """Return the spoken question."""
    return HumanMessage([media.audio("question.wav", inline=inline), {"type": "text", "text": "When is it open?"}])


def cells(llm: ChatDMXOmni) -> Iterator[tuple[str, int, int, int]]:
    """Yield what a cell ends in, and its bytes as LangChain shows it, and without and with the extension."""
    block = media.audio("question.wav")
    question = asked()
    answer = llm.invoke([question])
    state = create_agent(llm, tools=[opening_hours]).invoke({"messages": [question]})
    plain = {"type": "audio", "base64": b64encode(sound(ASKED, 16_000)).decode(), "mime_type": "audio/wav"}
    revived = _revived([question, answer])
    speech = Speech.from_message(answer)
    shown: dict[str, tuple[Any, Any]] = {
        "the message of a spoken answer": (revived[1], answer),
        "a content block": (plain, block),
        "a question with it": (revived[0], question),
        "Speech": (speech, speech),
        "an agent's state, the question in it": ({"messages": _revived(state["messages"])}, state),
    }
    formatter = DisplayFormatter()
    shell = SimpleNamespace(display_formatter=formatter)
    for what, (before, after) in shown.items():
        bare, short = _size(formatter, before), _size(formatter, after)
        notebook.load_ipython_extension(shell)
        linked = _size(formatter, after)
        notebook.unload_ipython_extension(shell)
        yield what, bare, short, linked


def _revived(messages: list[BaseMessage]) -> list[BaseMessage]:
    """Return messages as a file gives them back."""
    return messages_from_dict(json.loads(json.dumps(messages_to_dict(messages))))


def _size(formatter: Any, value: Any) -> int:
    return len(json.dumps(formatter.format(value)[0]))


def checkpoints(llm: ChatDMXOmni, turns: tuple[int, ...]) -> Iterator[tuple[str, int, int, int]]:
    """Yield numbers of turns, and the bytes of the agent's database without and with `SmallHistory`."""
    for count in turns:
        large, _ = database(llm, count, small=False)
        small, state = database(llm, count, small=True)
        yield str(count), large, small, state


def database(llm: ChatDMXOmni, turns: int, *, small: bool) -> tuple[int, int]:
    """Talk for some turns, and return the bytes of the database and of the last state in it."""
    path = Path("agent.sqlite")
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        middleware = [SmallHistory("media")] if small else []
        agent = create_agent(llm, tools=[opening_hours], middleware=middleware, checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "1"}}
        for _ in range(turns):
            agent.invoke({"messages": [asked(inline=not small)]}, config)
        state = saver.serde.dumps_typed(agent.get_state(config).values)[1]
    return path.stat().st_size, len(state)


def _table(headings: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    sys.stdout.write("\n".join(lines) + "\n")
    for name, *sizes in rows:
        sys.stdout.write(f"| {name} | {' | '.join(f'{size:,}' for size in sizes)} |\n")
        sys.stdout.flush()
    sys.stdout.write("\n")


@contextmanager
def _scratch() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or TURNS)
