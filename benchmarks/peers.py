"""Who is measured: ours, LangChain with a model that does nothing, a script on httpx, and other integrations.

Each builder gives a model, or what takes its place, for a URL of the server; `stream` and `invoke` work it. Packages
are imported in the builder, so that a process holds nothing but the peer that it measures.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from . import wire

if TYPE_CHECKING:
    from langchain_dmx_omni import ChatDMXOmni

KEY = "sk-benchmark"
QUESTION = "Hi"


class Peer(Protocol):
    """What all peers can do with a question."""

    def stream(self, question: str) -> Iterator[Any]:
        """Yield what arrives."""

    def invoke(self, question: str) -> Any:
        """Return the whole answer."""


def ours(url: str, **fields: Any) -> ChatDMXOmni:
    """This package's model."""
    from langchain_dmx_omni import ChatDMXOmni

    return ChatDMXOmni(**_fields(url, fields))


def _fields(url: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a model is made with: by default without retries. A field that is None is left to its default."""
    chosen = {"base_url": url, "api_key": KEY, "max_retries": 0} | fields
    return {name: value for name, value in chosen.items() if value is not None}


def floor(url: str) -> Peer:
    """LangChain's own machinery: a model that makes the chunks and does nothing else."""
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

    class DoesNothing(BaseChatModel):
        count: int

        @property
        def _llm_type(self) -> str:
            return "nothing"

        def _generate(self, *_args: Any, **_kwargs: Any) -> ChatResult:
            raise NotImplementedError

        def _stream(self, *_args: Any, **_kwargs: Any) -> Iterator[ChatGenerationChunk]:
            for _ in range(self.count):
                yield ChatGenerationChunk(message=AIMessageChunk(content=wire.WORD))

        async def _astream(self, *_args: Any, **_kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
            for _ in range(self.count):
                yield ChatGenerationChunk(message=AIMessageChunk(content=wire.WORD))
                await asyncio.sleep(0)  # as if it had to wait: others get their turn

    return DoesNothing(count=int(url.rsplit("/", 1)[1]))


class Raw:
    """The usual script: httpx reads lines, json parses them, and the texts and the speech are picked out."""

    def __init__(self, url: str) -> None:
        import httpx

        self._url = f"{url}/responses"
        self._client = httpx.Client(headers={"authorization": KEY})

    def stream(self, question: str) -> Iterator[dict[str, Any]]:
        """Yield the events."""
        body = {"model": "qwen3.5-omni-plus-all", "input": question, "stream": True}
        with self._client.stream("POST", self._url, json=body, timeout=60) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line[6:])

    def invoke(self, question: str) -> tuple[str, str]:
        """Return the text, and the speech as base64."""
        texts, speech = [], []
        for event in self.stream(question):
            match event["type"]:
                case "response.output_text.delta":
                    texts.append(event["delta"])
                case "response.output_item.done":
                    parts = event["item"]["content"]
                    speech += [part["audio"]["data"] for part in parts if part["type"] == "output_audio"]
        return "".join(texts), "".join(speech)


def chat_openai(url: str, **fields: Any) -> Any:
    """ChatOpenAI, on the Responses protocol."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="qwen", use_responses_api=True, **_fields(url, fields))


class OpenAISDK:
    """The OpenAI SDK alone."""

    def __init__(self, url: str) -> None:
        import openai

        self._client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0)

    def stream(self, question: str) -> Iterator[Any]:
        """Yield the events."""
        return iter(self._client.responses.create(model="qwen", input=question, stream=True))

    def invoke(self, question: str) -> str:
        """Return the text."""
        return "".join(event.delta for event in self.stream(question) if event.type == "response.output_text.delta")


def chat_google(url: str, **fields: Any) -> Any:
    """ChatGoogleGenerativeAI."""
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", **_fields(url, fields))


def chat_qwen(url: str, **fields: Any) -> Any:
    """ChatQwen."""
    from langchain_qwq import ChatQwen

    return ChatQwen(model="qwen-plus", **_fields(url, fields))


OURS, FLOOR, RAW = "ChatDMXOmni", "LangChain floor", "httpx + json"

PEERS: dict[str, tuple[Callable[[str], Peer], str]] = {
    OURS: (ours, "responses"),
    FLOOR: (floor, "responses"),
    RAW: (Raw, "responses"),
    "OpenAI SDK": (OpenAISDK, "responses"),
    "ChatOpenAI": (chat_openai, "responses"),
    "ChatGoogleGenerativeAI": (chat_google, "gemini"),
    "ChatQwen": (chat_qwen, "chat"),
}
"""Each peer, and the protocol that it speaks."""
