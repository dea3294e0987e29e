"""A question → the events of its answer, as the page shows them.

`{"type": "text", "text"}`, `{"type": "speech", "pcm", "rate"}` (16-bit samples of one channel, in base64),
`{"type": "progress", "done", "total"}`, `{"type": "moments", "moments"}`, `{"type": "missing", "spans"}`. What goes
wrong, and the end, the caller says.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._media.speech_track import SpeechTrack
from langchain_dmx_omni.jobs import Job, Progress
from langchain_dmx_omni.jobs import ask as task_of
from langchain_dmx_omni.jobs._job import OVERLAP

from ._failures import PageError
from ._uploads import Upload, Uploads

Event = dict[str, Any]

_MOST_FILES = 8


class Said(BaseModel):
    """An earlier turn, in words alone."""

    by: Literal["user", "model"]
    text: str

    def message(self) -> BaseMessage:
        """Return it as the model's history has it."""
        return HumanMessage(self.text) if self.by == "user" else AIMessage(self.text)


class Asked(BaseModel):
    """What the page asks.

    Attributes:
        question: In words; empty where a recording asks.
        files: Ids of uploads.
        voice: Who speaks; None for text alone.
        earlier: The conversation so far.
    """

    model_config = ConfigDict(extra="forbid")

    question: str = Field("", max_length=100_000)
    files: list[str] = Field([], max_length=_MOST_FILES)
    voice: str | None = None
    earlier: list[Said] = Field([], max_length=200)

    @classmethod
    def read(cls, text: bytes) -> Asked:
        """Return the question in a request's body.

        Raises:
            PageError: It is none.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the question"
            raise PageError("unreadable", f"{place}: {first['msg']}") from None


class Answering:
    """How questions are answered.

    Args:
        llm: The model.
        uploads: The files that may be asked about.
        window: Seconds over which a recording is asked about part by part; None to go by the inline limit alone.
    """

    def __init__(self, llm: ChatDMXOmni, uploads: Uploads, window: float | None) -> None:
        self._llm = llm
        self._uploads = uploads
        self._window = window

    def events(self, asked: Asked) -> AsyncGenerator[Event]:
        """Yield the events of an answer.

        Raises:
            DMXOmniError: There is none.
        """
        files = [self._uploads[id] for id in asked.files]
        if not asked.question.strip() and not files:
            raise PageError("nothing", "ask something: write a question, record one, or choose a file")
        if not any(file.is_long(self._window) for file in files):
            return self._streamed(asked, files)
        if len(files) > 1:
            raise PageError("alone", "a long recording is asked about alone: remove the other files")
        if not asked.question.strip():
            raise PageError("in_words", "write the question: about a long recording it is put in words")
        return self._part_by_part(asked.question, files[0])

    async def _streamed(self, asked: Asked, files: list[Upload]) -> AsyncGenerator[Event]:
        content = [await asyncio.to_thread(file.block) for file in files]
        if asked.question.strip():
            content.append({"type": "text", "text": asked.question})
        earlier = [said.message() for said in asked.earlier if said.text]
        messages = [*earlier, HumanMessage(cast("list[str | dict[Any, Any]]", content))]
        track = SpeechTrack()
        async with aclosing(cast("Any", self._llm.astream(messages, voice=asked.voice))) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    yield {"type": "text", "text": chunk.text}
                for piece in _speech(chunk):
                    if pcm := track.feed(piece):
                        yield _spoken(track, pcm)
        if pcm := track.end():
            yield _spoken(track, pcm)

    async def _part_by_part(self, question: str, file: Upload) -> AsyncGenerator[Event]:
        steps: asyncio.Queue[Progress | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        job = Job(
            self._llm,
            task_of(question),
            window=self._window,
            overlap=None if self._window is None else min(OVERLAP, self._window / 2),
            folder=_kept(file),
            progress=lambda step: loop.call_soon_threadsafe(steps.put_nowait, step),
            on_error="skip",
        )
        running = asyncio.ensure_future(job.ainvoke(file.path))
        running.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            async for step in _until_none(steps):
                yield {"type": "progress", "done": step.done, "total": step.total}
            result = await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        if result.answer:
            yield {"type": "text", "text": result.answer}
        yield {"type": "moments", "moments": [each.model_dump() for each in result.evidence]}
        if result.missing:
            spans = [{"start": each.window.start, "end": each.window.end} for each in result.missing]
            yield {"type": "missing", "spans": spans, "message": str(result.missing[0].error)}


def _kept(file: Upload) -> Path:
    """Return where a job keeps answers: they go with the file, and the same question again costs nothing."""
    return file.path.parent.parent / "answers"


async def _until_none(queue: asyncio.Queue[Progress | None]) -> AsyncIterator[Progress]:
    while (item := await queue.get()) is not None:
        yield item


def _speech(chunk: BaseMessage) -> list[str]:
    """Return the pieces of speech in a chunk, in base64."""
    content = chunk.content if isinstance(chunk.content, list) else []
    return [block["base64"] for block in content if isinstance(block, dict) and block.get("type") == "audio"]


def _spoken(track: SpeechTrack, pcm: bytes) -> Event:
    data = binascii.b2a_base64(pcm, newline=False).decode("ascii")
    return {"type": "speech", "pcm": data, "rate": track.format.sample_rate}
