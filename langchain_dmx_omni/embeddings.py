"""`DMXEmbeddings`: texts → vectors, by the service's embedding models."""

from __future__ import annotations

import asyncio
import binascii
import logging
import math
import struct
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from pydantic import Field

from ._json_route import JSONExchange, JSONRoute, check_texts, index_of, items_of
from .errors import DMXOmniError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DMXEmbeddings"]

_logger = logging.getLogger(__name__)

_FLOAT_BYTES = 4
"""Bytes of a number in a vector that comes as base64."""

Vectors = list[list[float]]


class DMXEmbeddings(JSONRoute, Embeddings):
    """Text embeddings of DMXAPI: `POST /embeddings`, by default of `text-embedding-v4`, which knows 100 languages.

    With the same key as the chat model, and its clients, retries and errors::

        from langchain_dmx_omni import DMXEmbeddings

        embeddings = DMXEmbeddings(dimensions=512)
        vectors = embeddings.embed_documents(["A crane lifts a beam.", "吊车停了。"])
        embeddings = DMXEmbeddings.from_llm(llm)  # as a ChatDMXOmni is reached

    All arguments are keyword arguments. What comes back is checked: a vector for every text, in the order of the
    texts, all of one length, of finite numbers; anything else is an error.

    Raises:
        InvalidInputError: On a call with a text that is empty, or without an API key; nothing is sent.
        DMXOmniError: On a call that failed; see `langchain_dmx_omni.errors` for the tree.
    """

    model: str = "text-embedding-v4"
    """Name of the model, such as `text-embedding-3-large` or `doubao-embedding-large-text-250515`."""

    dimensions: int | None = Field(default=None, ge=1)
    """Numbers of a vector. `text-embedding-v4` has 64, 128, 256, 512, 768, 1024 (its default), 1536 and 2048."""

    batch_size: int = Field(default=10, ge=1)
    """Texts of one request. `text-embedding-v4` takes 10 at the most, of 8,192 tokens each (Alibaba Model Studio's
    page on it); OpenAI's models take 2,048."""

    max_concurrency: int = Field(default=4, ge=1)
    """Requests under way at once, where the texts are more than one batch."""

    def embed_documents(self, texts: list[str]) -> Vectors:
        """Return a vector for each text, in their order.

        Args:
            texts: The texts; none of them empty. Without any, nothing is sent.

        Raises:
            InvalidInputError: A text is empty or none; the message has its place. Nothing was sent.
            DMXOmniError: A batch failed for good. Those that had not begun are not sent.
        """
        batches = self._batches(texts)
        if len(batches) < 2:
            return _joined([_collect(*batch) for batch in batches])
        pool = ThreadPoolExecutor(min(self.max_concurrency, len(batches)), thread_name_prefix="dmx-embeddings")
        try:
            futures = [pool.submit(_collect, *batch) for batch in batches]
            for future in as_completed(futures):  # the first that fails ends it
                future.result()
            return _joined([future.result() for future in futures])
        finally:
            # Whoever interrupts does not wait for answers that nobody will read.
            pool.shutdown(wait=False, cancel_futures=True)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text; see `embed_documents`."""
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str]) -> Vectors:
        """Async version of `embed_documents`."""
        under_way = asyncio.Semaphore(self.max_concurrency)

        async def collect(at: int, exchange: JSONExchange[Vectors]) -> Vectors:
            async with under_way:
                return await _acollect(at, exchange)

        tasks = [asyncio.ensure_future(collect(*batch)) for batch in self._batches(texts)]
        try:
            return _joined(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def aembed_query(self, text: str) -> list[float]:
        """Async version of `embed_query`."""
        return (await self.aembed_documents([text]))[0]

    def _batches(self, texts: list[str]) -> list[tuple[int, JSONExchange[Vectors]]]:
        """Return the requests, each with the place of its first text."""
        texts = list(texts)
        check_texts(texts, "texts")
        return [(at, self._batch(texts[at : at + self.batch_size])) for at in range(0, len(texts), self.batch_size)]

    def _batch(self, texts: list[str]) -> JSONExchange[Vectors]:
        payload = {"model": self.model, "input": texts, "dimensions": self.dimensions}
        return self._exchange("embeddings", payload, partial(_read, count=len(texts), dimensions=self.dimensions))


def _collect(at: int, exchange: JSONExchange[Vectors]) -> Vectors:
    try:
        return exchange.collect()
    except DMXOmniError as error:
        error.add_note(_place(at))
        raise


async def _acollect(at: int, exchange: JSONExchange[Vectors]) -> Vectors:
    try:
        return await exchange.acollect()
    except DMXOmniError as error:
        error.add_note(_place(at))
        raise


def _place(at: int) -> str:
    return f"in the batch that begins with texts[{at}]"


def _joined(batches: Sequence[Vectors]) -> Vectors:
    """Return the vectors of all batches.

    Raises:
        ProtocolError: They are not all of one length.
    """
    vectors = [vector for batch in batches for vector in batch]
    _check_lengths(vectors)
    return vectors


def _read(answer: Any, *, count: int, dimensions: int | None) -> Vectors:
    """Return the vectors of an answer, in the order of the texts.

    Raises:
        ProtocolError: They are not one for each text, of one length, of finite numbers.
    """
    vectors: dict[int, list[float]] = {}
    for item in items_of(answer, "data"):
        index = index_of(item, count, vectors)
        vectors[index] = _vector(item.get("embedding"), index)
    if len(vectors) != count:
        missing = next(index for index in range(count) if index not in vectors)
        raise ProtocolError(f"the answer has {len(vectors)} vectors for {count} texts: none for index {missing}")
    _logger.debug("embedded %d texts; usage: %s", count, answer.get("usage"))
    ordered = [vectors[index] for index in range(count)]
    _check_lengths(ordered)
    if dimensions is not None and len(ordered[0]) != dimensions:
        raise ProtocolError(f"the answer's vectors have {len(ordered[0])} numbers; {dimensions} were asked for")
    return ordered


def _check_lengths(vectors: Vectors) -> None:
    if len(lengths := {len(vector) for vector in vectors}) > 1:
        raise ProtocolError(f"the vectors are not all of one length: {', '.join(map(str, sorted(lengths)))}")


def _vector(embedding: Any, index: int) -> list[float]:
    """Return a vector that comes as a list of numbers, or as base64 of little-endian 32-bit floats."""
    match embedding:
        case str():
            vector = _from_base64(embedding)
        case list() if all(isinstance(number, float | int) and not isinstance(number, bool) for number in embedding):
            vector = [*map(_float, embedding)]
        case _:
            vector = []
    if not vector or not all(map(math.isfinite, vector)):
        raise ProtocolError(f"the embedding of index {index} is no list of finite numbers")
    return vector


def _from_base64(text: str) -> list[float]:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return []
    count, rest = divmod(len(data), _FLOAT_BYTES)
    return [] if rest else [*struct.unpack(f"<{count}f", data)]


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer beyond all floats
        return math.inf
