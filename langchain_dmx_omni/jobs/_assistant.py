"""`Assistant`: a conversation by voice. It hears, sees and reads; it answers in text and speech, and remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage

from langchain_dmx_omni import media
from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.speech import Speech

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import RunnableConfig

__all__ = ["Assistant", "Reply"]


class Assistant:
    """A conversation with a model that hears and speaks.

    ```python
    assistant = Assistant(ChatDMXOmni(voice="Tina"), instructions="You answer the phone of a shop.")
    reply = assistant.ask(media.audio("talk.wav"))
    for chunk in reply:
        print(chunk.text, end="", flush=True)
    reply.speech.save("answer.wav")
    ```

    What goes with each question is small: the text of what was said before, and the media of the last turns only.
    A turn is remembered once its answer is whole; one that broke off or was left early has not happened.

    Args:
        llm: The model; with a voice, it speaks.
        instructions: What it is and does, or None.
        turns: Turns that are remembered: a question with its answer is one.
        media_turns: Turns of which it remembers sound and pictures too. With 1, it can be asked about what it has just
            been shown; of older ones it knows its own answers.

    Attributes:
        history: What is remembered, oldest first. It is yours to keep, to load and to change between two questions.

    Raises:
        ConfigurationError: A number of turns is negative.
    """

    def __init__(
        self, llm: BaseChatModel, *, instructions: str | None = None, turns: int = 20, media_turns: int = 1
    ) -> None:
        if turns < 0 or media_turns < 0:
            raise ConfigurationError(f"turns={turns!r}, media_turns={media_turns!r}: 0 or more")
        self._llm = llm
        self._instructions = instructions
        self._turns = turns
        self._media_turns = media_turns
        self.history: list[BaseMessage] = []

    def ask(self, *content: Any, config: RunnableConfig | None = None) -> Reply:
        """Return the reply to a question; it is asked when you iterate over the reply.

        Args:
            *content: What is asked, in any mix: texts, and content blocks such as `media.audio(path)` gives.
            config: For the model's call.

        Raises:
            ConfigurationError: There is nothing in it.
        """
        if not content:
            raise ConfigurationError("ask(): give a text, or a block such as media.audio(path)")
        blocks = [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
        question = HumanMessage(cast("list[str | dict[Any, Any]]", blocks))
        return Reply(
            lambda: self._llm.stream(self._messages(question), config),
            lambda: self._llm.astream(self._messages(question), config),
            lambda answer: self._remember(question, answer),
        )

    def _messages(self, question: HumanMessage) -> list[BaseMessage]:
        system = [SystemMessage(self._instructions)] if self._instructions else []
        return [*system, *self.history, question]

    def _remember(self, question: HumanMessage, answer: str) -> None:
        past = [*self.history, question, AIMessage(answer)]  # its speech says the same
        start, media_start = _last_turns(past, self._turns), _last_turns(past, self._media_turns)
        self.history = [*media.strip(past[start:media_start]), *past[max(start, media_start) :]]


def _last_turns(messages: list[BaseMessage], turns: int) -> int:
    """Return where the last so many turns begin; each begins with a question."""
    starts = [at for at, message in enumerate(messages) if isinstance(message, HumanMessage)]
    if not turns:
        return len(messages)
    return starts[-turns] if turns < len(starts) else 0


class Reply:
    """An answer that is on its way: iterate over its chunks, with `for` or `async for`; then read the whole.

    Args:
        stream: Asks, and returns the chunks of the answer.
        astream: Async version of `stream`.
        on_whole: Called with the text of an answer that has arrived whole.

    Attributes:
        chunks: What has arrived.
    """

    def __init__(
        self,
        stream: Callable[[], Iterator[AIMessageChunk]],
        astream: Callable[[], AsyncIterator[AIMessageChunk]],
        on_whole: Callable[[str], None],
    ) -> None:
        self._stream = stream
        self._astream = astream
        self._on_whole = on_whole
        self.chunks: list[AIMessageChunk] = []

    def __iter__(self) -> Iterator[AIMessageChunk]:
        """Ask, and yield the answer's chunks: text in `chunk.text`, speech in audio blocks."""
        self.chunks = []
        with closing(cast("Any", self._stream())) as chunks:  # leaving early closes the connection
            for chunk in chunks:
                self.chunks.append(chunk)
                yield chunk
        self._on_whole(self.text)

    async def __aiter__(self) -> AsyncIterator[AIMessageChunk]:
        """Async version of `__iter__`."""
        self.chunks = []
        async with aclosing(cast("Any", self._astream())) as chunks:
            async for chunk in chunks:
                self.chunks.append(chunk)
                yield chunk
        self._on_whole(self.text)

    @property
    def text(self) -> str:
        """What has been said so far."""
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def speech(self) -> Speech:
        """How it sounds, as far as it has arrived.

        Raises:
            NoSpeechError: The model has no voice.
        """
        return Speech.from_chunks(self.chunks)
