"""`ask` and `chat`: a question about anything, and a conversation."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from rich.console import Console

from langchain_dmx_omni import ChatDMXOmni, Speech, media, voices
from langchain_dmx_omni._profiles import DEFAULT_VOICE
from langchain_dmx_omni.errors import DMXOmniError

from . import _attachments, _output, _paths, _prices
from ._failures import report
from ._model import Model, PricesText, Retries, chat_model

Attachments = Annotated[
    list[str] | None,
    typer.Option("--attachment", "-a", metavar="FILE|URL|-", help="Image, audio or video; - is standard input."),
]
System = Annotated[str | None, typer.Option("--system", "-s", help="Instructions.", show_default=False)]
Voice = Annotated[
    str | None,
    typer.Option(
        help="A voice that speaks the answer, such as Tina.",
        show_default=False,
        autocompletion=lambda incomplete: [name for name in voices.names() if name.startswith(incomplete)],
    ),
]
Fit = Annotated[bool, typer.Option("--fit", help="Make local files fit what the service takes.")]


def ask(
    question: Annotated[str | None, typer.Argument(help="What is asked; what is piped in goes before it.")] = None,
    *,
    attachment: Attachments = None,
    voice: Voice = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.wav", help="Where the speech goes.", show_default=False)
    ] = None,
    system: System = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, when all is there.")] = False,
    fit: Fit = False,
    model: Model = None,
    retries: Retries = 2,
    prices: PricesText = None,
) -> None:
    """Ask about anything: text, images, audio, video. The answer streams as it comes.

    dmx-omni ask "What happens here?" -a clip.mp4 --voice Tina --save answer.wav
    """
    save = _paths.speech_target(voice, save)
    of = _prices.prices(prices)
    sources = attachment or []
    text = "\n".join(filter(None, [None if "-" in sources else piped_text(), question]))
    if not text and not sources:
        raise typer.BadParameter("ask something: a question, -a FILE, or both", param_hint="QUESTION")
    llm = chat_model(model=model, voice=(voice or DEFAULT_VOICE) if save else None, max_retries=retries)
    content = [*_attachments.blocks(sources, fit=fit), *([{"type": "text", "text": text}] if text else [])]
    messages: list[BaseMessage] = [SystemMessage(system)] if system else []
    chunks = streamed(llm, [*messages, HumanMessage(cast("list[str | dict[Any, Any]]", content))], show=not as_json)
    speech = _saved(chunks, save)
    usage = usage_of(chunks)
    cost = _prices.cost(usage, of)
    if as_json:
        _output.answer_json(_facts(chunks, speech, save, cost))
        return
    if speech is not None:
        _output.note(f"{save}: {speech.duration:.1f} s of speech")
    _output.note(f"tokens: {_output.usage(usage, _prices.said(cost))}")


def chat(
    *,
    attachment: Attachments = None,
    voice: Voice = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the speech goes: 001.wav, …", show_default=False)
    ] = None,
    system: System = None,
    fit: Fit = False,
    model: Model = None,
    retries: Retries = 2,
) -> None:
    """Talk with the model, which remembers what was said. `/a FILE` attaches one; an empty line or Ctrl-D ends it."""
    if (voice is None) != (save is None):
        raise typer.BadParameter("--voice and --save FOLDER go together", param_hint="--voice")
    if save is not None:
        save = _paths.folder(save, "--save")
    llm = chat_model(model=model, voice=voice, max_retries=retries)
    history: list[BaseMessage] = [SystemMessage(system)] if system else []
    waiting = _attachments.blocks(attachment or [], fit=fit)
    turn = 0 if save is None else _last_turn(save)
    while (line := _line()) is not None:
        if line.startswith("/a "):
            try:
                waiting += _attachments.blocks([line[3:].strip()], fit=fit)
            except (DMXOmniError, OSError, typer.BadParameter) as failure:
                report(failure)
            continue
        turn += 1
        question = HumanMessage(cast("list[str | dict[Any, Any]]", [*waiting, {"type": "text", "text": line}]))
        try:
            chunks = streamed(llm, [*history, question])
            if save is not None:
                _saved(chunks, save / f"{turn:03}.wav")
        except DMXOmniError as failure:
            report(failure)
            continue
        except KeyboardInterrupt:
            if not _output.is_terminal(sys.stdin):
                raise
            _output.note("left out")  # at the prompt, Ctrl-C ends all
            continue
        waiting = []
        history = [*media.strip(history), question, AIMessage("".join(chunk.text for chunk in chunks))]


def _last_turn(folder: Path) -> int:
    """Return the number of the last answer in a folder: an earlier conversation is not written over."""
    return max((int(each.stem) for each in folder.glob("*.wav") if each.stem.isdecimal()), default=0)


def piped_text() -> str | None:
    """Return the text that is piped in, or None.

    Raises:
        typer.BadParameter: It is no text.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    data = sys.stdin.buffer.read()
    for encoding in ("utf-8-sig", sys.stdin.encoding or "utf-8"):
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text.strip() or None
    raise typer.BadParameter("what is piped in is no text: add -a -", param_hint="standard input")


def streamed(llm: ChatDMXOmni, messages: list[BaseMessage], *, show: bool = True) -> list[AIMessageChunk]:
    """Ask, write the answer's text as it comes, and return its chunks. A break leaves a whole line behind."""
    chunks: list[AIMessageChunk] = []
    console = Console(stderr=True)
    waiting = console.status("waiting …", spinner="line") if console.is_terminal else nullcontext()
    written = False
    with closing(cast("Any", llm.stream(messages))) as stream:  # leaving early closes the connection
        try:
            with waiting:
                first = next(stream, None)
            for chunk in _with_first(first, stream):
                chunks.append(chunk)
                if show and chunk.text:
                    _output.answer(chunk.text, end="")
                    written = True
        finally:
            if written:
                _output.answer("")
    return chunks


def _with_first(first: Any, stream: Iterable[Any]) -> Iterable[Any]:
    if first is not None:
        yield first
        yield from stream


def usage_of(chunks: list[AIMessageChunk]) -> dict[str, Any] | None:
    """Return the usage metadata of an answer."""
    return next((cast("dict[str, Any]", each.usage_metadata) for each in reversed(chunks) if each.usage_metadata), None)


def _saved(chunks: list[AIMessageChunk], path: Path | None) -> Speech | None:
    if path is None:
        return None
    speech = Speech.from_chunks(chunks)
    speech.save(path)
    return speech


def _facts(chunks: list[AIMessageChunk], speech: Speech | None, path: Path | None, cost: float) -> dict[str, Any]:
    ends = [chunk.response_metadata for chunk in chunks]
    facts = {name: value for end in ends for name, value in end.items() if isinstance(value, str | int | float)}
    return {
        "text": "".join(chunk.text for chunk in chunks),
        "speech": None if speech is None else {"path": str(path), "seconds": round(speech.duration, 3)},
        "usage": usage_of(chunks),
        "estimated_cost_cny": round(cost, 6),
        "response": facts,
    }


def _line() -> str | None:
    """Return the next line of the user; None at the end."""
    if _output.is_terminal(sys.stdin):
        _output.note("> ", end="")
    line = sys.stdin.readline() if sys.stdin is not None else ""
    return line.strip() or None
