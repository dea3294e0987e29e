"""What others do with what this service does: tried on loopback, told in a table.

    python -m benchmarks.comparison           prints the table
    make comparison                           and keeps it: comparison.json, docs/comparison.md, the READMEs' tables

Each cell says what came of a request that was answered with bytes made beforehand, in the protocol of the service that
the peer is made for (`wire.py`). The vendor's script is the one of docs/moving.md, run as it stands there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import comparison_page as page
from . import peers, wire
from .playback import JSON, Reply, playing

ROOT = Path(__file__).resolve().parent.parent
VIDEO = base64.b64encode(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"a local video " * 10).decode()
LARGE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8_000_000)).decode()
"""A picture of 8 MB: more than the 10,485,760 characters of base64 that the service takes."""
SILENCE = 2.0
"""Seconds for which a service sends comments and nothing else, four times what a peer is told to wait."""


@dataclass(frozen=True)
class Peer:
    """One column."""

    protocol: str
    model: Callable[..., Any] | None = None
    """Makes its model for a URL; the script has none."""
    deadline: dict[str, float] = field(default_factory=dict)
    """The option that limits its waiting for the next event (seconds)."""


PEERS = {
    peers.OURS: Peer("responses", peers.ours, {"idle_timeout": SILENCE / 4}),
    "ChatOpenAI": Peer("responses", peers.chat_openai, {"timeout": SILENCE / 4}),
    "ChatGoogleGenerativeAI": Peer("gemini", peers.chat_google, {"timeout": SILENCE / 4}),
    "ChatQwen": Peer("chat", peers.chat_qwen, {"timeout": SILENCE / 4}),
    page.SCRIPT: Peer("responses"),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a question."""

    bodies: list[bytes]
    """Of the requests that were sent."""
    text: str = ""
    """Of the answer; what the script has printed."""
    message: Any = None
    """The answer: a message, or the file that the script has written."""
    error: str = ""
    """What was raised; empty if nothing was."""
    partial: bool = False
    """Whether the error holds what had arrived."""


def ask(peer: Peer, reply: Reply, block: dict[str, Any] | None = None, **options: Any) -> Outcome:
    """Ask a question, with a content block or without, and take the streamed answer."""
    with playing(reply) as server:
        if peer.model is None:
            return _ask_script(server.url, server.bodies, block)
        question = {"type": "text", "text": peers.QUESTION}
        try:
            model = peer.model(server.url, **options)
            chunks = list(model.stream([("human", [block, question] if block else peers.QUESTION)]))
        except Exception as error:  # noqa: BLE001  whatever a peer raises is what came of it
            partial = getattr(error, "partial", None) is not None
            return Outcome(server.bodies, error=f"{type(error).__name__}: {error}", partial=partial)
        message = functools.reduce(lambda whole, chunk: whole + chunk, chunks)
        return Outcome(server.bodies, message.text, message)


def _ask_script(url: str, bodies: list[bytes], block: dict[str, Any] | None) -> Outcome:
    moving = (ROOT / "docs" / "moving.md").read_text("utf-8")
    script = moving.partition("```python\n")[2].partition("```")[0].replace("https://www.dmxapi.cn/v1", url)
    environment = os.environ | {"DMXAPI_API_KEY": peers.KEY, "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "clip.mp4").write_bytes(base64.b64decode((block or {}).get("base64", VIDEO)))
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        wav = Path(folder) / "answer.wav"
        return Outcome(bodies, done.stdout, wav.read_bytes() if wav.exists() else None, done.stderr.strip())


# --- the rows: the docstring of each says how it is tried, here and on the page ---------------------------------------


def video(peer: Peer) -> str:
    """A video file goes as LangChain's standard block, and as the service's own `video_url` part, a raw dict."""
    standard = {"type": "video", "base64": VIDEO, "mime_type": "video/mp4"}
    part = {"type": "video_url", "video_url": {"url": f"data:;base64,{VIDEO}"}}
    first, second = (ask(peer, _whole(peer), block) for block in (standard, part))
    if any(VIDEO.encode() in body for body in first.bodies):
        return "yes"
    standard_cell = _word(first, "dropped silently")
    raw_cell = "reaches it" if any(VIDEO.encode() in body for body in second.bodies) else _word(second, "is dropped")
    return f"{standard_cell}; a raw part {raw_cell}"


def speech(peer: Peer) -> str:
    """The answer holds a second of speech; the message is searched for its samples, as bytes or base64."""
    outcome = ask(peer, Reply(wire.spoken(peer.protocol)))
    return "yes" if _holds(outcome.message, wire.wav(1)[44:]) else _word(outcome, "dropped silently")


def cut_off(peer: Peer) -> str:
    """The reply ends after half of an answer: cleanly, but with no final event and no finish reason."""
    return _ending(ask(peer, Reply(_half(peer))))


def failure(peer: Peer) -> str:
    """After half of an answer comes an event that says that the service has failed, in each form that it may have."""
    outcomes = [ask(peer, Reply([*_half(peer), event])) for event in wire.failures(peer.protocol)]
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed and len(failed) < len(outcomes):
        return f"error in {len(failed)} of {len(outcomes)} forms"
    return _ending(outcomes[0])


def silence(peer: Peer) -> str:
    """In mid-answer nothing comes but comments, as proxies send to keep a connection, past the peer's own deadline."""
    before, after = _half(peer), wire.events(peer.protocol, 10)[len(_half(peer)) :]
    if ask(peer, Reply([*before, _COMMENT, *after])).error:
        return "error at any comment"
    comments = [_COMMENT] * 40
    reply = Reply([b"".join(before), *comments, b"".join(after)], pause=SILENCE / len(comments))
    return "error at the deadline" if ask(peer, reply, **peer.deadline).error else "waits on"


def usage(peer: Peer) -> str:
    """The service reports its token usage at the end; the message is asked for `usage_metadata`."""
    return "yes" if getattr(ask(peer, _whole(peer)).message, "usage_metadata", None) else "no"


def wrong_key(peer: Peer) -> str:
    """The service refuses the key; requests are counted, with as many retries as the peer makes by default."""
    return _refused(peer, "key")


def quota(peer: Peer) -> str:
    """The service says that the quota is used up, by each status that it may have; a second try can't mend it."""
    return _refused(peer, "quota")


def saturated(peer: Peer) -> str:
    """The service is saturated, which a second try may mend."""
    return _refused(peer, "saturated")


def too_large(peer: Peer) -> str:
    """A picture of 8 MB (the script: a video) makes more base64 than DMXAPI and Alibaba take, 10,485,760 characters."""
    outcome = ask(peer, _whole(peer), {"type": "image", "base64": LARGE, "mime_type": "image/png"})
    return "sent" if outcome.bodies else "error, nothing sent"


def key_shown(peer: Peer) -> str:
    """`repr(model)` and `str(model)` are searched for the key."""
    if peer.model is None:
        return "—"
    model = peer.model("http://127.0.0.1:9/v1")
    return _shown(f"{model!r} {model}")


def key_repeated(peer: Peer) -> str:
    """The service repeats the key that it refuses; the error is searched for it."""
    (status, body), *_ = wire.refusals(peer.protocol, peers.KEY)["key"]
    outcome = ask(peer, Reply([body], status, JSON))
    return _shown(outcome.error) if outcome.error else "no error"


ROWS: dict[str, Callable[[Peer], str]] = {
    "a local video reaches the service": video,
    "speech is in the message": speech,
    "an answer that is cut off": cut_off,
    "a failure in mid-answer": failure,
    "silence behind keep-alives": silence,
    "token usage": usage,
    "a wrong key": wrong_key,
    "a used-up quota": quota,
    "a saturated service": saturated,
    "a file over the limit": too_large,
    "the key in `repr`": key_shown,
    "the key in an error": key_repeated,
}

_COMMENT = b": PING\n\n"


def _whole(peer: Peer) -> Reply:
    return Reply(wire.events(peer.protocol, 10))


def _half(peer: Peer) -> list[bytes]:
    events = wire.events(peer.protocol, 10)
    return events[: len(events) // 2]


def _word(outcome: Outcome, otherwise: str) -> str:
    if not outcome.error:
        return otherwise
    return "error, with the part" if outcome.partial else "error"


def _ending(outcome: Outcome) -> str:
    return _word(outcome, "half, as if whole" if outcome.text else "nothing, as if whole")


def _refused(peer: Peer, reason: str) -> str:
    refusals = wire.refusals(peer.protocol, peers.KEY)[reason]
    outcomes = [ask(peer, Reply([body], status, JSON), max_retries=None) for status, body in refusals]
    counts = sorted({len(outcome.bodies) for outcome in outcomes})
    word = "error" if all(outcome.error for outcome in outcomes) else "no error"
    return f"{word}, {' or '.join(map(str, counts))} request{'s' * (counts[-1] > 1)}"


def _shown(text: str) -> str:
    return "shown" if peers.KEY in text else "hidden"


def _holds(value: Any, samples: bytes) -> bool:
    """Whether samples of sound are anywhere in a message."""
    match value:
        case bytes():
            return samples in value
        case str():
            with contextlib.suppress(ValueError):
                return samples in base64.b64decode(value, validate=True)
            return False
        case dict():
            return any(_holds(each, samples) for each in value.values())
        case list():
            return any(_holds(each, samples) for each in value)
        case _:
            return hasattr(value, "content") and _holds([value.content, value.additional_kwargs], samples)


def cells(rows: Iterable[str] = ROWS, columns: Iterable[str] = PEERS) -> dict[str, dict[str, str]]:
    """Return the cells, by row and peer."""
    return {row: {name: ROWS[row](PEERS[name]) for name in columns} for row in rows}


def main() -> int:
    """Try everything, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.comparison", description="What others do, tried on loopback.")
    parser.add_argument("--write", action="store_true", help="keep it: comparison.json, and the tables of the pages")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # a peer's deprecations
    logging.disable()
    packages = ("langchain-core", "langchain-openai", "langchain-google-genai", "langchain-qwq", "requests")
    results = page.Results({name: version(name) for name in packages}, cells())
    print(page.table(results))  # noqa: T201  it is a command
    if arguments.write:
        page.write(results, ROOT, {row: str(trial.__doc__) for row, trial in ROWS.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
