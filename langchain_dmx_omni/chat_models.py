"""`ChatDMXOmni`: LangChain's hooks. What goes over the wire is not known here."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from . import _structured, _tokens
from ._answer import endings
from ._answer.chunks import ChunkWriter, to_message
from ._answer.deltas import AnswerSpec
from ._answer.protocol_events import EventWriter
from ._calls import Calls
from ._event_log import EventLog
from ._exchange import Exchange
from ._request.messages import without_random_ids
from ._request.options import resolve
from ._request.payload import build
from ._request.tools import resolve_tool_choice, to_wire_tools
from ._warnings import from_here, warn_user

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable
    from langchain_protocol.protocol import MessagesData

    from ._answer.answer import Answer
    from ._answer.deltas import Delta
    from ._request.tools import Tool

__all__ = ["ChatDMXOmni"]

Written_co = TypeVar("Written_co", covariant=True)


class ChatDMXOmni(Calls):
    """A model that sees, hears and speaks: DMXAPI's `qwen3.5-omni-plus-all`.

    Text, images, audio and video in any mix go in; text comes out, and with a voice, speech as well::

        from langchain_dmx_omni import ChatDMXOmni, Speech, media

        llm = ChatDMXOmni(voice="Tina")
        answer = llm.invoke([("human", [media.video("clip.mp4"), {"type": "text", "text": "What happens here?"}])])
        print(answer.text)
        Speech.from_message(answer).save("answer.wav")

    Text alone comes back as a plain string in `content`. With speech, `content` is a list of a text block and
    an audio block with a 24 kHz mono WAV. Adding all chunks of `stream` gives what `invoke` gives, byte for byte.

    All arguments are keyword arguments. An option that is None is not sent. Every option down to `media_roots`
    may also be given to a single call: `llm.invoke(…, voice="Ethan")`.

    Args:
        model: Name of the model.
        modalities: What to answer in; `["text", "audio"]` asks for speech.
        voice: The voice that speaks; giving one switches speech on.
        audio_format: Format of the speech.
        temperature: Randomness, from 0 up to, but not including, 2.
        top_p: Share of probability to sample from, over 0 up to 1.
        presence_penalty: Penalty for what has been said already, from -2 to 2.
        seed: Seed for sampling.
        max_tokens: Most tokens of the answer.
        stop: Texts before which the answer stops.
        enable_search: Whether the model may search the web.
        search_options: How it searches.
        enable_thinking: Whether the model reasons first; only for models that can, and then without speech.
        extra_body: Further parameters for the request's body, sent as they are, over everything else.
        stream_usage: Whether to ask for usage metadata.
        system_with_audio: What to do with a system message when speech is on, which the service does not take together:
            `"fold"` its text into the first user message, `"send"` it all the same, or raise an `"error"`.
        media_roots: Folders below which `file://` URLs in messages are honoured.
        api_key: The API key, by default from `DMXAPI_API_KEY`.
        base_url: Where the service is, by default from `DMXAPI_BASE_URL`; any server that speaks the protocol will do.
        auth_scheme: What goes before the key in the `Authorization` header: nothing by default, `"Bearer"` for other
            servers.
        default_headers: Further headers of every request.
        timeout: Seconds for connecting and for sending each piece; an `httpx.Timeout` sets them apart; None for no
            limit.
        max_retries: Tries after the first, for errors that another try may mend; 0 turns retrying off.
        http_client: An `httpx.Client` for sync calls, used as it is and never closed; by default everything shares one.
        http_async_client: An `httpx.AsyncClient` for async calls, used as it is and never closed; by default each event
            loop has one.
        first_event_timeout: Seconds from the end of sending to the first event of the answer.
        idle_timeout: Seconds from one event to the next.
        max_event_bytes: Bytes that one event of an answer may have, 512 MiB by default: a two-hour speech in one event
            has 461 MB.
        max_answer_bytes: Bytes that a whole answer may have, 2 GiB by default: speech may come up to three times over.
        event_log: A folder for each call's raw events as JSON lines, without media and without the key.

    Raises:
        InvalidInputError: On a call that can't be sent, such as one without an API key; nothing is sent.
        DMXOmniError: On a call that failed; see `langchain_dmx_omni.errors` for the tree.
    """

    # Tools and structured output

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools at hand.

        The service knows no `"required"`. Where a tool must be called and there is one, it is named; where there
        are several, the model is told so in words. The service takes no tools together with search, so search is
        left out, with a warning; and it is silent on a turn that calls a tool, and speaks on the next.

        Args:
            tools: Functions, pydantic classes, LangChain tools, and dicts in any shape that LangChain knows.
            tool_choice: `"auto"`, `"none"`, `"any"`, `"required"`, a bool, a tool's name, or a dict that names one.
            strict: Whether the service must keep to the tools' schemas.
            parallel_tool_calls: Whether several tools may be called in one answer.
            response_format: A schema for the answer where no tool is called.
            **kwargs: Further options of the call.

        Raises:
            ConfigurationError: Something is no tool, or `tool_choice` names none of them.
        """
        wire_tools = to_wire_tools(tools, strict)
        resolve_tool_choice(tool_choice, wire_tools, can_require=True)
        options = {
            "tool_choice": tool_choice,
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": response_format,
        }
        options = {name: value for name, value in options.items() if value is not None}
        return self.bind(tools=wire_tools, **options, **kwargs)

    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: _structured.Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[Tool] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return the model with its answer parsed into a schema's object.

        Args:
            schema: A pydantic class (the answer is an instance), a TypedDict, a JSON schema or a tool (a dict).
            method: `"function_calling"` is what the service is sure to take. `"json_mode"` asks for JSON and leaves
                the schema to your prompt. `"json_schema"` is passed on to models that take one; to others, such as
                the service's, the schema is told in words, in JSON mode.
            include_raw: Whether to return `{"raw", "parsed", "parsing_error"}` instead of raising.
            strict: Whether the service must keep to the schema.
            tools: Further tools that the model may call first; for `"json_schema"` only.
            **kwargs: Further options of the call.

        Raises:
            ConfigurationError: The method or the schema can't be used.
        """
        _structured.check(schema, method, strict, {} if method == "json_schema" or not tools else {"tools": tools})
        bound = _structured.binding(schema, method, strict) | kwargs
        if method == "function_calling":
            name = to_wire_tools([schema])[0]["name"]
            model = self.bind_tools([schema], tool_choice=name, strict=strict, parallel_tool_calls=False, **bound)
        elif tools:
            model = self.bind_tools(tools, strict=strict, **bound)
        else:
            model = self.bind(**bound)
        return _structured.with_parser(model, _structured.parser(schema, method), include_raw=include_raw)

    # Counting

    def get_num_tokens(self, text: str) -> int:
        """Return an estimate of the tokens of text, made offline."""
        return _tokens.count_text(text)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return an estimate of the tokens of messages with their media, made offline by the service's rules.

        Args:
            messages: The messages. Local files below `media_roots` are looked at; what stands behind a URL is not.
            tools: Tools that go with them.
        """
        of_tools = _tokens.count_text(str(to_wire_tools(tools))) if tools else 0
        return _tokens.count_messages(messages, self.media_roots) + of_tools

    # Calls

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)
        return _result(exchange.collect(run_manager.on_retry if run_manager else None))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        exchange = await self._aexchange(messages, stop, kwargs)
        return _result(await exchange.acollect(run_manager.on_retry if run_manager else None))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        return self._written(ChunkWriter, messages, stop, run_manager, call=kwargs)

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        return self._awritten(ChunkWriter, messages, stop, run_manager, call=kwargs)

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        return self._written(EventWriter, messages, stop, run_manager, call=kwargs, blocks=True)

    def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        return self._awritten(EventWriter, messages, stop, run_manager, call=kwargs, blocks=True)

    def _written(
        self,
        make_writer: Callable[[Answer], _Writer[Written_co]],
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: CallbackManagerForLLMRun | None,
        *,
        call: Mapping[str, Any],
        blocks: bool = False,
    ) -> Generator[Written_co]:
        exchange = self._exchange(messages, stop, call, blocks=blocks)
        with closing(exchange.stream(run_manager.on_retry if run_manager else None)) as stream:
            writer = make_writer(stream.answer)
            for deltas in stream:
                yield from writer.write(deltas)
        _warn(stream.answer)

    # The only async generator on the way: when an event loop ends, it closes all of them at once, and nested ones
    # get into each other's way.
    async def _awritten(
        self,
        make_writer: Callable[[Answer], _Writer[Written_co]],
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun | None,
        *,
        call: Mapping[str, Any],
        blocks: bool = False,
    ) -> AsyncGenerator[Written_co]:
        exchange = await self._aexchange(messages, stop, call, blocks=blocks)
        async with aclosing(await exchange.astream(run_manager.on_retry if run_manager else None)) as stream:
            writer = make_writer(stream.answer)
            async for deltas in stream:
                for item in writer.write(deltas):
                    yield item
        _warn(stream.answer)

    # The cache. LangChain gives some blocks a random id on the way in; the same question must be the same key.

    def _generate_with_cache(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return super()._generate_with_cache(without_random_ids(messages), *args, **kwargs)

    async def _agenerate_with_cache(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return await super()._agenerate_with_cache(without_random_ids(messages), *args, **kwargs)

    # Requests

    async def _aexchange(
        self, messages: list[BaseMessage], stop: list[str] | None, call: Mapping[str, Any], *, blocks: bool = False
    ) -> Exchange:
        if all(isinstance(message.content, str) for message in messages):
            return self._exchange(messages, stop, call, blocks=blocks)
        # Checking media reads files and megabytes of base64: not on the event loop.
        with from_here():
            return await asyncio.to_thread(self._exchange, messages, stop, call, blocks=blocks)

    def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, call: Mapping[str, Any], *, blocks: bool = False
    ) -> Exchange:
        """Return the request for a call. Nothing is sent yet.

        Args:
            messages: What is asked.
            stop: Texts before which the answer stops, over the model's own.
            call: The call's keyword arguments.
            blocks: Whether the answer's content must be a list of blocks.

        Raises:
            InvalidInputError: It can't be sent.
        """
        options = resolve(self._options(), call if stop is None else {**call, "stop": stop})
        key = self._key()
        secrets = partial(self._secrets, key)
        return Exchange(
            endpoint=self._endpoint(key),
            body=build(messages, options),
            spec=AnswerSpec(
                model=options.model,
                voice=options.spoken_by,
                audio_format=options.audio_format,
                blocks=blocks or options.speaks or bool(options.enable_thinking) or self.output_version == "v1",
                max_tokens=options.max_tokens,
                stop=bool(options.stop),
            ),
            max_retries=self.max_retries,
            secrets=secrets,
            log=None if self.event_log is None else EventLog(self.event_log, secrets()),
        )


def _result(answer: Answer) -> ChatResult:
    _warn(answer)
    return ChatResult(generations=[ChatGeneration(message=to_message(answer))])


class _Writer(Protocol[Written_co]):
    """Writes deltas down, as message chunks or as protocol events."""

    def write(self, deltas: Iterable[Delta]) -> Iterable[Written_co]: ...


def _warn(answer: Answer) -> None:
    for message in endings.warnings(answer):
        warn_user(message)
